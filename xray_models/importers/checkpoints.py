"""Published PyTorch checkpoints that RadLens imports: where they are, and what they mean.

All are DenseNet121 for chests. What is said of each is taken from its repository: README and
scripts at the commit that the addresses name, and `torchxrayvision/models.py` 1.5.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from xray_models.datasets.nih import LABELS

__all__ = ["CHECKPOINTS", "Checkpoint", "RemoteFile"]

_RAW = "https://raw.githubusercontent.com"
_RELEASE = "https://github.com/mlmed/torchxrayvision/releases/download/v1"

_SPARING_NINE_OF_TEN = {
    "Atelectasis": 0.2190,
    "Cardiomegaly": 0.0476,
    "Effusion": 0.2780,
    "Infiltration": 0.3050,
    "Mass": 0.1053,
    "Nodule": 0.1187,
    "Pneumonia": 0.0270,
    "Pneumothorax": 0.0704,
    "Consolidation": 0.1058,
    "Edema": 0.0469,
    "Emphysema": 0.0275,
    "Fibrosis": 0.0346,
    "Pleural_Thickening": 0.0602,
    "Hernia": 0.0040,
}
"""Thresholds at which the published predictions of reproduce-chexnet spare nine of ten of the
22,312 test films without the finding."""

_XRV_LABELS = (
    *"""Atelectasis Consolidation Infiltration Pneumothorax Edema Emphysema Fibrosis
Effusion Pneumonia Pleural_Thickening Cardiomegaly Nodule Mass Hernia""".split(),
)
_XRV_LABELS += ("Lung Lesion", "Fracture", "Lung Opacity", "Enlarged Cardiomediastinum")


@dataclass(frozen=True)
class RemoteFile:
    """File at a fixed address.

    Attributes:
        name: in the folder of downloads.
        url: where it is.
        most_bytes: above which it is refused.
        blob: git's id of its content, the SHA-1 of "blob SIZE", a zero byte and the content; empty
            where nobody has published one.
    """

    name: str
    url: str
    most_bytes: int
    blob: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """Published checkpoint, and what a card says of it.

    Attributes:
        id: in commands.
        name: on pages.
        labels: of its outputs, in order; empty for an output that was never trained.
        head: PyTorch's name of its last layer.
        input_size: (height, width) in pixels that keep the scale it was trained at.
        scaling, mean_std: as on a card.
        thresholds: label -> operating point in 0..1.
        points: probability of each output that is to mean 0.5, where the checkpoint brings them.
        data: what it was trained on; `brief` in a few words.
        limits: what a reader should know.
        weights: file with the weights.
        cutoffs: file with a threshold for each label, where there is one.
        predictions, truth: tables of its published predictions on test films, and of their labels.
    """

    id: str
    name: str
    labels: tuple[str, ...]
    head: str
    input_size: tuple[int, int]
    scaling: str
    thresholds: dict[str, float]
    origin: str
    license: str
    brief: str
    data: tuple[str, ...]
    limits: tuple[str, ...]
    references: tuple[str, ...]
    weights: RemoteFile
    mean_std: tuple[float, ...] = ()
    points: tuple[float, ...] = ()
    cutoffs: RemoteFile | None = None
    predictions: RemoteFile | None = None
    truth: RemoteFile | None = None

    @property
    def model(self) -> str:
        """Id of the model that it becomes, where nobody asks for another."""
        return f"chest-{self.id}"

    @property
    def trained(self) -> tuple[str, ...]:
        """Labels of the outputs that were trained."""
        return tuple(label for label in self.labels if label)

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """All that is downloaded for it."""
        every = (self.weights, self.cutoffs, self.predictions, self.truth)
        return tuple(one for one in every if one is not None)


@dataclass(frozen=True)
class _Repository:
    """Repository at one commit; its files get names that begin with `folder`."""

    name: str
    commit: str
    folder: str

    def file(self, path: str, most_bytes: int, blob: str = "") -> RemoteFile:
        """A file of it."""
        name = f"{self.folder}-{path.rpartition('/')[2]}"
        return RemoteFile(name, f"{_RAW}/{self.name}/{self.commit}/{path}", most_bytes, blob)


_NIH = ("ChestX-ray14 (NIH Clinical Center; labels mined from reports)",)
_REFERENCES = (
    "Rajpurkar et al. 2017, CheXNet, arXiv:1711.05225",
    "Wang et al. 2017, ChestX-ray8, arXiv:1705.02315",
)
_SQUARE = (
    "It was trained on square films. Others are padded with black here, where its own script cut "
    "them."
)
_NOISY = "Labels were mined from reports and are noisy."


def _chexnet() -> Checkpoint:
    repository = _Repository(
        "arnoweng/CheXNet", "3d45ee77e2cfe6ec81bf1b87e2ed4e3fc10af6c1", "chexnet"
    )
    return Checkpoint(
        id="chexnet",
        name="CheXNet, 14 findings (arnoweng)",
        labels=LABELS,
        head="classifier.0",
        input_size=(256, 256),
        scaling="imagenet",
        thresholds=_SPARING_NINE_OF_TEN,
        origin="github.com/arnoweng/CheXNet, model.pth.tar",
        license="none stated in the repository; ask its authors before you pass the weights on",
        brief="chests (all of ChestX-ray14)",
        data=_NIH,
        limits=(
            "Its authors state a mean AUC of 0.847 on their own split. It was not measured here.",
            "Its thresholds are those of another CheXNet: there they spare nine of ten films "
            "without the finding (reproduce-chexnet). Its own were never chosen.",
            "Its authors averaged ten crops of 224 pixels from 256. Here the film is read once, as "
            "a whole, at 256 pixels.",
            _SQUARE,
            _NOISY,
        ),
        references=(*_REFERENCES, "github.com/arnoweng/CheXNet"),
        weights=repository.file(
            "model.pth.tar", 200_000_000, "14922ae7de18767793f6ac85cf51df950327d96c"
        ),
    )


def _localization() -> Checkpoint:
    repository = _Repository(
        "thtang/CheXNet-with-localization",
        "1d4cd93fe92c4956569346a4bff605e158dee792",
        "chexnet-localization",
    )
    labels = LABELS[:8]
    return Checkpoint(
        id="chexnet-localization",
        name="CheXNet with localization, 8 findings (thtang)",
        labels=labels,
        head="classifier.0",
        input_size=(256, 256),
        scaling="imagenet",
        thresholds=dict.fromkeys(labels, 0.5),
        origin="github.com/thtang/CheXNet-with-localization, "
        "model/DenseNet121_aug4_pretrain_WeightBelow1_1_0.829766922537.pkl",
        license="none stated in the repository; ask its authors before you pass the weights on",
        brief="chests with findings (ChestX-ray14)",
        data=(*_NIH, "Films without any of the 8 findings were left out of its training."),
        limits=(
            "The name of its file states a mean AUC of 0.830 on its validation films. It was not "
            "measured here.",
            "It never saw a film without a finding in training, so it expects one.",
            "Its script read the middle 224 of 256 pixels. Here the whole film is read at 256.",
            _SQUARE,
            _NOISY,
        ),
        references=(*_REFERENCES, "github.com/thtang/CheXNet-with-localization"),
        weights=repository.file(
            "model/DenseNet121_aug4_pretrain_WeightBelow1_1_0.829766922537.pkl",
            200_000_000,
            "f7a6eb0b900dc576b0f2832c845863d6309df597",
        ),
        cutoffs=repository.file("thresholds.npy", 4096),
    )


def _reproduced() -> Checkpoint:
    repository = _Repository(
        "jrzech/reproduce-chexnet", "a011a9ab108cb03a533aeab52dc934b02a823ac8", "reproduce-chexnet"
    )
    return Checkpoint(
        id="reproduce-chexnet",
        name="CheXNet retrained, 14 findings (reproduce-chexnet)",
        labels=LABELS,
        head="classifier.0",
        input_size=(224, 224),
        scaling="imagenet",
        thresholds=_SPARING_NINE_OF_TEN,
        origin="github.com/jrzech/reproduce-chexnet, pretrained/checkpoint",
        license="BSD-3-Clause, the license of the repository",
        brief="chests (all of ChestX-ray14)",
        data=(*_NIH, "The split by patient of CheXNet: test films were in neither training part."),
        limits=(
            "Its thresholds spare nine of ten of its own test films without the finding. So the "
            "calls on these films flatter a little.",
            _SQUARE,
            _NOISY,
        ),
        references=(*_REFERENCES, "Zech 2018, github.com/jrzech/reproduce-chexnet"),
        weights=repository.file(
            "pretrained/checkpoint", 200_000_000, "637c09c2e4295febb266679b18036db052c40f79"
        ),
        predictions=repository.file("pretrained/preds.csv", 50_000_000),
        truth=repository.file("nih_labels.csv", 50_000_000),
    )


# name in the package -> begin of the file's name, what it was trained on, and its op_threshs in the
# order of _XRV_LABELS; a hyphen stands for an output that was never trained
_XRV = {
    "all": (
        "nih-pc-chex-mimic_ch-google-openi-kaggle",
        "ChestX-ray14, PadChest, CheXpert, MIMIC-CXR, Google's labels, Open-i and RSNA",
        """0.07422872 0.038290843 0.09814756 0.0098118475 0.023601074 0.0022490358 0.010060724
        0.103246614 0.056810737 0.026791653 0.050318155 0.023985857 0.01939503 0.042889766
        0.053369623 0.035975814 0.20204692 0.05015312""",
    ),
    "nih": (
        "nih",
        "ChestX-ray14",
        """0.039117552 0.0034529066 0.11396341 0.0057298196 0.00045666535 0.0018880932 0.012037827
        0.038744126 0.0037213727 0.014730946 0.016149804 0.054241467 0.037198864 0.0004403434 -
        - - -""",
    ),
    "pc": (
        "pc",
        "PadChest",
        """0.031012505 0.013347598 0.081435576 0.001262615 0.002587246 0.0035944257 0.0023071
        0.055412333 0.044385884 0.042766232 0.043258056 0.037629247 0.005658899 0.0091741895 -
        0.026507627 - -""",
    ),
    "chex": (
        "chex",
        "CheXpert",
        """0.1988969 0.05710573 - 0.0531293 0.1435217 - - 0.27212676 0.07749717 - 0.19712369 - - -
        0.09932402 0.09273402 0.3270967 0.10888247""",
    ),
    "rsna": (
        "kaggle",
        "the RSNA pneumonia challenge",
        """- - - - - - - - 0.13486601 - - - - - - - 0.13511065 -""",
    ),
    "mimic_nb": (
        "mimic_nb",
        "MIMIC-CXR (labels of NegBio)",
        """0.08558747 0.011884617 - 0.0040595434 0.010733786 - - 0.118761964 0.022924708 -
        0.06358637 - - - 0.022143636 0.017476924 0.1258702 0.014020768""",
    ),
    "mimic_ch": (
        "mimic_ch",
        "MIMIC-CXR (labels of CheXpert's labeler)",
        """0.09121389 0.010573786 - 0.005023008 0.003698257 - - 0.08001232 0.037242252 - 0.05006329
        - - - 0.019866971 0.03823637 0.11303808 0.0069147074""",
    ),
}


def _xrv(name: str) -> Checkpoint:
    begin, films, text = _XRV[name]
    slug = name.replace("_", "-")
    points = tuple(math.nan if point == "-" else float(point) for point in text.split())
    labels = tuple(
        "" if math.isnan(point) else label for label, point in zip(_XRV_LABELS, points, strict=True)
    )
    file = f"{begin}-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt"
    return Checkpoint(
        id=f"xrv-{slug}",
        name=f"TorchXRayVision, {films.split(' (')[0] if name != 'all' else 'seven data sets'}",
        labels=labels,
        head="classifier",
        input_size=(224, 224),
        scaling="z-score",
        mean_std=(127.5, 127.5 / 1024),  # -1024 to 1024
        thresholds={label: 0.5 for label in labels if label},
        points=points,
        origin=f"torchxrayvision, densenet121-res224-{name}",
        license="Apache-2.0, the license of the package; its data sets have terms of their own",
        brief=f"chests ({films})",
        data=(films,),
        limits=(
            "0.5 is the operating point that the package publishes for each finding. Other "
            "probabilities are shifted along with it. They say nothing of how frequent a finding "
            "is.",
            "The package has no published hash of this file, so none was checked.",
            "It was trained on the middle square of films. Here the whole film is padded with "
            "black to a square.",
            _NOISY,
        ),
        references=("Cohen et al. 2022, TorchXRayVision, arXiv:2111.00595",),
        weights=RemoteFile(f"xrv-{slug}.pt", f"{_RELEASE}/{file}", 200_000_000),
    )


CHECKPOINTS = {
    one.id: one for one in (_chexnet(), _localization(), _reproduced(), *map(_xrv, _XRV))
}
"""Checkpoints by the name that commands use."""
