"""Cost of maps, counted at the network, against what methods say they cost."""

from dataclasses import replace

import numpy as np
import pytest
import toy_networks as toys

from xray_models import explain
from xray_models.explain import pass_cache, targets
from xray_models.explain.methods.cost import Cost
from xray_models.explain.pass_cache import NotCached
from xray_models.explain.progress import Stopped, Work

LABELS = "abc"
A, B, C = (targets.logit(LABELS, label) for label in LABELS)
FEW = {
    "rise": {"masks": 16},
    "occlusion": {"patch": 8, "stride": 8},
    "smoothgrad": {"samples": 3},
    "integrated-gradients": {"steps": 5},
}


class Counted:
    """A network's functions, with every pass counted.

    Passes of the part above the last activation count for nothing, as in `methods.Cost`; those of
    the part above another layer count whole.
    """

    def __init__(self, traced):
        self._traced = traced
        self.forwards = self.backwards = self.calls = 0

    def __getattr__(self, name):
        return getattr(self._traced, name)

    def _count(self, forward, backward=0, whole=True):
        self.calls += 1
        self.forwards += forward * whole
        self.backwards += backward * whole

    def forward(self, images):
        self._count(len(images))
        return self._traced.forward(images)

    def input_gradient(self, images, *more, **options):
        self._count(len(images), len(images))
        return self._traced.input_gradient(images, *more, **options)

    def cut(self, layer):
        cut = self._traced.cut(layer)
        inner = layer != self.default_layer

        def front(images):
            self._count(len(images))
            return cut.front(images)

        def rest(activations, crossing):
            self._count(len(activations), whole=inner)
            return cut.rest(activations, crossing)

        def gradient(activation, crossing, vectors):
            self._count(len(vectors), len(vectors), inner)
            return cut.gradient(activation, crossing, vectors)

        return replace(cut, front=front, rest=rest, gradient=gradient)

    def spent(self):
        """Passes since the last time."""
        found = Cost(self.forwards, self.backwards)
        self.forwards = self.backwards = self.calls = 0
        return found


def counted(network):
    """A film that was read, and its network that counts."""
    counting = Counted(explain.PassCache(network, toys.an_image(network)).network)
    cache = explain.PassCache(lambda: counting, toys.an_image(network))
    assert len(cache.logits) == len(LABELS)
    assert counting.spent() == Cost(1)
    return cache, counting


@pytest.mark.parametrize("make", [toys.looking_twice, toys.skipping])
@pytest.mark.parametrize("method", explain.METHODS.values(), ids=lambda method: method.id)
def test_no_map_costs_more_than_its_method_says(make, method):
    network = make()
    options = FEW.get(method.id, {})
    for layer in (None, "early"):
        cache, counting = counted(network)
        if method.objection(counting, layer):
            continue
        declared = method.passes(counting, layer=layer, options=options)
        explain.maps(cache, [A], toys.spec(method.id, layer, **options))
        one = counting.spent()
        assert one.forward <= declared.forward and one.backward <= declared.backward, layer
        if method.family in ("gradient", "pixel"):
            assert one == declared, "declared as if it cost more"
        others = method.others(counting, layer, options)
        for target in (B, C, -A, -B, targets.difference(LABELS, "c", "a")):
            if method.many_labels or target in (B, C):
                explain.maps(cache, [target], toys.spec(method.id, layer, **options))
        more = counting.spent()
        assert more.forward <= others.forward and more.backward <= others.backward, layer


def test_what_goes_around_the_last_activation_costs_the_pass_that_is_declared():
    cache, counting = counted(toys.looking_twice())
    assert cache.default_layer == "cells" and counting.graph.crossing("cells")
    assert explain.METHODS["grad-cam"].passes(counting) == Cost(1)
    assert explain.METHODS["eigen-cam"].passes(counting) == Cost()
    explain.maps(cache, [A], "grad-cam")
    assert counting.spent() == Cost(1)


def test_the_labels_of_an_inner_layer_are_passed_back_through_together_once():
    cache, counting = counted(toys.skipping())
    explain.maps(cache, [A], "hirescam@middle")
    assert counting.spent() == Cost(2, 1), "the layer's activation, and one label"
    explain.maps(cache, [-A], "layercam@middle")
    assert counting.calls == 0, "the negation of a known label"
    explain.maps(cache, [B], "hirescam@middle")
    assert counting.calls == 1 and counting.spent() == Cost(2, 2), "the two others, in one call"
    every = [C, -C, B, targets.difference(LABELS, "c", "b"), targets.combined(LABELS, ("a", "b"))]
    explain.maps(cache, every, "grad-cam++@middle")
    explain.maps(cache, every[::-1], "xgrad-cam@middle")
    assert counting.calls == 0


def test_gradients_put_together_are_those_that_were_passed_back():
    network = toys.skipping(activation="silu")
    vectors = np.array([[0, 1, 0], [0, 0, -2], [0.5, 0, -1], [0, 0, 0], [-1, 0.5, 0.5]], np.float32)
    slow = [
        explain.PassCache(network, toys.an_image(network)).gradients(vector[None], "middle")[0]
        for vector in vectors
    ]
    quick = explain.PassCache(network, toys.an_image(network))
    one_by_one = [quick.gradients(vector[None], "middle")[0] for vector in vectors]
    np.testing.assert_allclose(one_by_one, slow, atol=1e-7)
    np.testing.assert_allclose(quick.gradients(vectors, "middle"), slow, atol=1e-7)
    assert np.abs(slow[0]).max() > 1e-4


def test_where_all_labels_would_take_much_memory_only_those_asked_for_are_made(monkeypatch):
    monkeypatch.setattr(pass_cache, "_CACHE_BYTES", 3 * 8 * 6 * 6 * 4)
    cache, counting = counted(toys.skipping())
    explain.maps(cache, [A], "hirescam@early")
    counting.spent()
    explain.maps(cache, [B], "hirescam@early")
    assert counting.backwards == 1


def test_with_every_label_the_first_map_makes_the_others_free():
    cache, counting = counted(toys.skipping())
    explain.maps(cache, [A], "hirescam@middle", every_label=True)
    assert counting.calls == 2, "the layer's activation, and all labels together"
    assert counting.spent() == Cost(4, 3)
    every = [B, -A, -C, targets.difference(LABELS, "c", "b"), targets.combined(LABELS, ("a", "b"))]
    for method in ("hirescam", "grad-cam", "grad-cam++", "layercam", "xgrad-cam"):
        for target in every:
            explain.maps(cache, [target], f"{method}@middle", every_label=True)
    assert counting.calls == 0


def test_labels_that_lack_are_made_where_one_was_made_alone():
    cache, counting = counted(toys.skipping())
    explain.maps(cache, [A], "hirescam@middle")
    counting.spent()
    explain.maps(cache, [A], "hirescam@middle", every_label=True)
    assert counting.spent() == Cost(2, 2)
    explain.maps(cache, [A], "hirescam", every_label=True)
    assert counting.calls == 0, "under a pooled linear head nothing is passed back"


def test_gradients_of_many_targets_go_back_in_batches_of_bounded_memory(monkeypatch):
    network = toys.skipping()
    vectors = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    whole = explain.PassCache(network, toys.an_image(network)).gradients(vectors, "early")
    # room for two gradients of this layer, not for those of its three labels
    monkeypatch.setattr(pass_cache, "_CACHE_BYTES", 2 * 2 * 8 * 6 * 6 * 4)
    cache, counting = counted(network)
    work = Work()
    found = cache.gradients(vectors, "early", work)
    assert counting.calls == 1 + 4, "the layer's activation, then 2, 2, 2 and 1 targets"
    assert work.done == work.total == 7
    np.testing.assert_allclose(found, whole, atol=1e-6)


def test_gradients_are_stopped_between_batches(monkeypatch):
    monkeypatch.setattr(pass_cache, "_CACHE_BYTES", 2 * 2 * 8 * 6 * 6 * 4)
    cache, counting = counted(toys.skipping())
    message = []
    with pytest.raises(Stopped):
        explain.maps(
            cache,
            [A, B, C],
            "hirescam@early",
            progress=lambda done, total: message.append((done, total)),
            stop=lambda: bool(message),
        )
    assert message == [(2, 3)] and counting.backwards == 2


@pytest.mark.parametrize("method", explain.METHODS.values(), ids=lambda method: method.id)
def test_what_is_cached_is_enough_for_another_label_where_a_method_says_so(method):
    network = toys.skipping()
    layer = "middle" if method.layered and not method.needs_linear_head else None
    options = FEW.get(method.id, {})
    cache, counting = counted(network)
    if method.family != "activation" or layer:
        with pytest.raises(NotCached):
            explain.maps(cache.at_rest(), [A], toys.spec(method.id, layer, **options))
    assert counting.calls == 0
    first = explain.maps(cache, [A], toys.spec(method.id, layer, **options), every_label=True)
    assert (
        explain.maps(cache.at_rest(), [A], toys.spec(method.id, layer, **options)) == first
    ).all()
    counting.spent()
    if not method.many_labels:
        with pytest.raises(NotCached):
            explain.maps(cache.at_rest(), [B], toys.spec(method.id, layer, **options))
        return
    other = explain.maps(cache.at_rest(), [B], toys.spec(method.id, layer, **options))
    assert counting.calls == 0
    fresh = explain.PassCache(network, toys.an_image(network))
    expected = explain.maps(fresh, [B], toys.spec(method.id, layer, **options))
    np.testing.assert_allclose(other, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "steps"), [("score-cam", 6 + 6 + 8), ("ablation-cam", 6 + 6), ("grad-cam", 1 + 1)]
)
def test_progress_over_several_layers_never_falls_back(method, steps):
    cache, _ = counted(toys.skipping())
    message = []
    spec = toys.spec(method, "early", "middle", "last")
    explain.maps(cache, [A], spec, progress=lambda *one: message.append(one))
    shares = [done / total for done, total in message]
    assert message[0][1] == steps and message[-1][0] == message[-1][1] <= steps
    assert shares == sorted(shares) and shares[0] < 1


@pytest.mark.parametrize("method", ["eigen-cam", "hirescam", "score-cam"])
def test_work_on_several_layers_stops_between_them(method):
    cache, counting = counted(toys.skipping())
    spec = toys.spec(method, "early", "middle", "joined")
    asked = []
    with pytest.raises(Stopped):
        explain.maps(
            cache,
            [A],
            spec,
            stop=lambda: asked.append(1) or len(asked) > 2,
        )
    stopped = counting.spent().forward
    explain.maps(cache, [A], spec)
    assert counting.spent().forward > 0 and stopped > 0
