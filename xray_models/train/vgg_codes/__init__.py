"""VGG16 codes of any folder of labeled images, cached on disk, and a small network trained on them.

After Xvision: the convolutions never change, so their output is computed once.
"""
