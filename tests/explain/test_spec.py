"""The specification of a map and the text that names it."""

import numpy as np
import pytest
import toy_networks as toys

from xray_models import catalogue, explain
from xray_models.evaluate.explanations import results_table, sanity_table
from xray_models.evaluate.explanations.scoreboard import spec_of
from xray_models.explain import METHODS, MethodSpec, methods, targets

SPECS = [
    MethodSpec(method.id, layers, options, fusion)
    for method in METHODS.values()
    for layers in ((), ("early",), ("early", "block6a/expand@2"))
    for options in ((), tuple((one.name, one.high) for one in method.options))
    for fusion in ("mean", "max")
]


def test_a_specification_is_read_back_from_its_text():
    assert len({str(spec) for spec in SPECS}) == len(set(SPECS))
    for spec in SPECS:
        again = MethodSpec.parse(str(spec))
        assert again == spec and hash(again) == hash(spec), spec
        assert MethodSpec.parse(spec.name) == MethodSpec(spec.method, spec.layers), spec
        kinds = {name: type(value) for name, value in spec.options}
        assert {name: type(value) for name, value in again.options} == kinds, spec


def test_the_text_of_a_specification():
    spec = MethodSpec("score-cam", ("a", "b"), (("top", 64),), "max")
    assert str(spec) == "score-cam@a + b, fused by max, top=64"
    assert spec.name == "score-cam@a + b" and spec.layer == "a + b"
    assert str(MethodSpec("cam")) == MethodSpec("cam").name == "cam"
    assert MethodSpec("cam").layer == "" and MethodSpec("cam").places == (None,)


def test_specifications_of_the_same_map_are_equal():
    assert MethodSpec("cam", fusion="max") == MethodSpec("cam")
    options = (("stride", 8), ("patch", 16))
    assert MethodSpec("occlusion", (), options) == MethodSpec("occlusion", (), options[::-1])
    assert MethodSpec.of("layercam@a") == MethodSpec.of(MethodSpec("layercam", ("a",)))


@pytest.mark.parametrize("text", ["", "@early", "cam@", "cam@a + ", "cam, masks", "rise, masks=x"])
def test_text_that_names_no_method_layer_or_option_is_refused(text):
    with pytest.raises(ValueError, match="such as"):
        MethodSpec.parse(text)


def test_an_unknown_fusion_is_refused():
    with pytest.raises(ValueError, match=r"no fusion 'sum'\. Known: mean, max"):
        MethodSpec("layercam", ("a", "b"), fusion="sum")
    with pytest.raises(ValueError, match="no fusion 'sum'"):
        MethodSpec.parse("layercam@a + b, fused by sum")


@pytest.mark.parametrize("card", catalogue.catalogue().values(), ids=lambda card: card.id)
def test_what_a_card_names_is_a_method_that_was_measured_under_this_name(card):
    spec = MethodSpec.of_card(card)
    assert spec.method in METHODS
    if card.explanation.reason:
        assert spec.name in stored_names(card.id)


def stored_names(model):
    """The names that figures of a model's maps are stored under."""
    tables = [results_table.load(model, kind) for kind in ("localization", "faithfulness")]
    return {name for table in [*tables, sanity_table.load(model)] for name in table["method"]}


@pytest.mark.parametrize("card", catalogue.catalogue().values(), ids=lambda card: card.id)
def test_stored_names_are_those_of_specifications_or_of_baselines(card):
    specs = [spec_of(name) for name in stored_names(card.id)]
    assert {spec.name for spec in specs if spec} == {
        name for name in stored_names(card.id) if name.partition("@")[0] in METHODS
    }


def test_the_cost_at_several_layers_is_that_of_each():
    network = toys.skipping()
    traced = explain.PassCache(network, toys.an_image(network)).network
    both = methods.passes(traced, MethodSpec.parse("score-cam@early + middle, top=2"))
    each = [
        methods.passes(traced, toys.spec("score-cam", one, top=2)) for one in ("early", "middle")
    ]
    assert both == each[0] + each[1] and both.steps == 4
    assert methods.objection(traced, MethodSpec.parse("cam@last")) == ""
    assert "only reads last" in methods.objection(traced, MethodSpec.parse("cam@last + early"))


def test_options_reach_the_method():
    network = toys.skipping()
    cache = explain.PassCache(network, toys.an_image(network))
    target = targets.logit("abc", "a")
    coarse = explain.maps(cache, [target], "occlusion, patch=8, stride=8")
    same = explain.maps(cache, [target], toys.spec("occlusion", stride=8, patch=8))
    assert np.array_equal(coarse, same)
    assert (coarse != explain.maps(cache, [target], "occlusion, patch=4, stride=4")).any()
