import numpy as np
import pytest

from xray_models.radiograph.preprocess import GEOMETRIES, SCALINGS, resize, scale


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("shape", [(40, 80), (80, 40), (1, 300), (64, 64)])
def test_a_point_is_found_again_through_the_placement(geometry, shape):
    pixels = np.zeros(shape, np.float32)
    height, width = shape
    top, left = height // 2, width // 2
    pixels[top:, left:] = 1.0
    canvas, at = resize(pixels, (64, 64), geometry)
    x0, y0, x1, y1 = at.box_in_input()
    assert canvas.shape == (64, 64)
    assert (0 <= x0 < x1 <= 64) and (0 <= y0 < y1 <= 64)
    # the mass of the bright quarter is where the placement says
    rows, columns = np.nonzero(canvas > 0.5)
    assert columns.max() + 1 == pytest.approx(x1, abs=1)
    assert rows.max() + 1 == pytest.approx(y1, abs=1)
    assert columns.min() == pytest.approx(at.left + left * at.scale_x, abs=1)
    assert rows.min() == pytest.approx(at.top + top * at.scale_y, abs=1)


def test_fit_keeps_the_aspect_ratio_and_pads_with_black():
    canvas, at = resize(np.ones((50, 100), np.float32), (60, 60), "fit")
    assert at.scale_x == at.scale_y == pytest.approx(0.6)
    assert (canvas[:15] == 0).all() and (canvas[-15:] == 0).all() and (canvas[15:45] == 1).all()


def test_scalings_have_their_published_values():
    assert scale(np.float32([[0.485]]), "imagenet")[0, 0, 0] == pytest.approx(0)
    assert scale(np.float32([[1.0]]), "imagenet")[0, 0, 2] == pytest.approx((1 - 0.406) / 0.225)
    assert scale(np.float32([[1.0]]), "hed")[0, 0].tolist() == pytest.approx(
        [255 - 103.939, 255 - 116.779, 255 - 123.68], rel=1e-6
    )
    symmetric = scale(np.float32([[0.0, 0.25, 1.0]]), "symmetric")
    assert symmetric[0].tolist() == [[-1.0] * 3, [-0.5] * 3, [1.0] * 3]
    # on 0..255, with the mean and deviation of the card
    assert scale(np.float32([[1.0]]), "z-score", (66.39, 49.23))[0, 0, 1] == pytest.approx(
        (255 - 66.39) / 49.23, rel=1e-5
    )
    with pytest.raises(ValueError, match="needs a mean"):
        scale(np.zeros((2, 3), np.float32), "z-score")
    for name in SCALINGS:
        assert scale(np.zeros((2, 3), np.float32), name, (66.39, 49.23)).shape == (2, 3, 3)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="fit, stretch"):
        resize(np.zeros((4, 4), np.float32), (4, 4), "crop")
    with pytest.raises(ValueError, match="unit, symmetric, imagenet, hed"):
        scale(np.zeros((4, 4), np.float32), "caffe")
