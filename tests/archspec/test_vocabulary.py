"""The words of Keras, PyTorch, timm, Lightning and Ultralytics are answered by their meaning, each where it is typed.

`WORDS` repeats none of the product's tables: it says for each word what the first suggestion has to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import archspec
from archspec.blocks import BLOCKS
from archspec.cli import COMMANDS
from archspec.errors import UnreadableFile
from archspec.fields.records import Record, record_of
from archspec.layers.fields import MERGES, NORMS
from archspec.layers.reading import primitive_record
from archspec.layers.structures import SHORTCUTS, STRUCTURES
from archspec.ops import ACTIVATIONS, PRIMITIVES, activations, initializers
from archspec.recipe import AUGMENTATIONS, DATA, DISTRIBUTE, MONITORS, OPTIMIZERS, SCHEDULES, TRAIN
from archspec.recipe.normalisation import NORMALISATIONS
from archspec.recipe.numbers import ACTIVATION_BYTES
from archspec.recipe.train import L2, Checkpoints, EarlyStopping
from archspec.search import SEARCH
from archspec.search.entries import KINDS as KINDS_OF_VALUES
from archspec.search.section import Budget, Objective
from archspec.search.tuners import TUNERS
from archspec.source.shipped import shipped_names
from archspec.spec.expectations import EXPECT, Range
from archspec.spec.overrides import parse_assignments
from archspec.spec.sections import BLOCK, MODEL, TOP
from archspec.vocabulary.suggestions import rows
from archspec.wording import bare, closest

LAYERS: list[Any] = [{"conv": {"filters": 4, "kernel": 3}}, "global_avg_pool", {"dense": 10}]
SPACE = {"train.batch_size": {"choice": [8, 16]}}


def spec(layers: list[Any] = LAYERS, train: dict[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    training = {"train": {"data": "digits", **(train or {})}}
    return {"name": "net", "model": {"input": [8, 8, 3], "layers": layers}, **training, **others}


def layer(word: str) -> dict[str, Any]:
    return spec([word, *LAYERS])


def field_of_layer(kind: str, **others: Any) -> Callable[[str], dict[str, Any]]:
    return lambda word: spec([{kind: {**others, word: 1}}, *LAYERS])


def value_in_layer(kind: str, field: str, **others: Any) -> Callable[[Any], dict[str, Any]]:
    return lambda word: spec([{kind: {**others, field: word}}, *LAYERS])


def field_of(*path: str, **others: Any) -> Callable[[str], dict[str, Any]]:
    """A field of what stands at a path inside `train`."""

    def made(word: str) -> dict[str, Any]:
        value: Any = {**others, word: 1}
        for key in reversed(path):
            value = {key: value}
        return spec(train=value)

    return made


def value_in(field: str) -> Callable[[Any], dict[str, Any]]:
    return lambda word: spec(train={field: word})


CONV = {"filters": 4, "kernel": 3}
STAGES = {"block": {"basic": {}}, "depths": [1], "widths": [4]}
PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "layer": layer,
    "conv": field_of_layer("conv"),
    "conv with its kernel": field_of_layer("conv", filters=4, kernel=3),
    "dense": field_of_layer("dense"),
    "pool": field_of_layer("max_pool"),
    "pool with its size": field_of_layer("avg_pool", size=2),
    "dropout": field_of_layer("dropout"),
    "up_sample": field_of_layer("up_sample"),
    "activation": field_of_layer("activation"),
    "batch_norm": field_of_layer("batch_norm"),
    "stages": lambda word: spec([{"stages": {word: [1]}}]),
    "residual": field_of_layer("residual", layers=[]),
    "repeat": field_of_layer("repeat", layers=[]),
    "initializer": value_in_layer("conv", "initializer", **CONV),
    "norm": value_in_layer("conv", "norm", **CONV),
    "activation of conv": value_in_layer("conv", "activation", **CONV),
    "shortcut": value_in_layer("residual", "shortcut", layers=[]),
    "train": field_of(),
    "adam": field_of("optimizer", "adam"),
    "sgd": field_of("optimizer", "sgd"),
    "optimizer": value_in("optimizer"),
    "schedule": value_in("learning_rate"),
    "cosine": field_of("learning_rate", "cosine"),
    "step": field_of("learning_rate", "step"),
    "one_cycle": field_of("learning_rate", "one_cycle"),
    "precision": value_in("precision"),
    "early_stopping": value_in("early_stopping"),
    "augment": value_in("augment"),
    "augment in a list": lambda word: spec(train={"augment": [word]}),
    "data": value_in("data"),
    "folder": field_of("data", "folder"),
    "tfds": field_of("data", "tfds", name="cifar10"),
    "affine": lambda word: spec(train={"augment": [{"affine": {word: 1}}]}),
    "normalisation": value_in("normalisation"),
    "resize": value_in("resize"),
    "sampler": value_in("sampler"),
    "padding": value_in_layer("conv", "padding", **CONV),
    "merge": value_in_layer("parallel", "merge", branches=[[], []]),
    "top": lambda word: {**spec(), word: 3},
    "model": lambda word: spec() | {"model": {"input": [8, 8, 3], "layers": LAYERS, word: 3}},
    "search": lambda word: spec(search={"space": SPACE, word: 3}),
    "tuner": lambda word: spec(search={"space": SPACE, "tuner": word}),
    "budget": lambda word: spec(search={"space": SPACE, "budget": {word: 3}}),
    "space": lambda word: spec(search={"space": {word: {"choice": [1, 2]}}}),
    "kind of value": lambda word: spec(search={"space": {"train.batch_size": {word: [1, 2]}}}),
}

THERE_IS_NONE = ""
"""Says that a word has no counterpart; the message has a sentence instead."""

WORDS: dict[str, dict[str, str]] = {
    "layer": {
        "Linear nn.Linear FullyConnected fully_connected InnerProduct fc": "dense",
        "ReLU relu nn.ReLU": "activation: relu",
        "GELU": "activation: gelu",
        "SiLU": "activation: silu",
        "Swish": "activation: swish",
        "LeakyReLU": "activation: leaky_relu",
        "Hardswish hard_swish": "activation: hard_swish",
        "ELU": "activation: elu",
        "Sigmoid": "activation: sigmoid",
        "Tanh": "activation: tanh",
        "PReLU": THERE_IS_NONE,
        "AdaptiveAvgPool2d adaptive_avg_pool gap GlobalPool global_pool": "global_avg_pool",
        "GlobalAveragePooling2D tf.keras.layers.GlobalAvgPool2D": ("global_avg_pool"),
        "AdaptiveMaxPool2d GlobalMaxPooling2D": "global_max_pool",
        "MaxPool2d MaxPooling2D": "max_pool",
        "AvgPool2d AveragePooling2D": "avg_pool",
        "BatchNorm2d BatchNormalization bn": "batch_norm",
        "GroupNorm InstanceNorm2d group_norm": THERE_IS_NONE,
        "LayerNorm LayerNorm2d": "layer_norm",
        "LRN LocalResponseNorm lrn": "local_response_norm",
        "Identity nn.Identity": THERE_IS_NONE,
        "SEBlock SE se squeeze_excitation": "squeeze_excite",
        "MBConv InvertedResidual": "inverted_residual",
        "BasicBlock": "basic",
        "Bottleneck": "bottleneck",
        "DropPath drop_path stochastic_depth": THERE_IS_NONE,
        "DropBlock AlphaDropout nn.AlphaDropout GaussianNoise RMSNorm Normalization": THERE_IS_NONE,
        "maxout MaxUnpool2d PixelShuffle FusedMBConv DenseBlock ConvNeXtBlock convnext": THERE_IS_NONE,
        "GhostConv DeformConv2d Scale Rescaling": THERE_IS_NONE,
        "Average average Subtract subtract Maximum maximum Minimum": THERE_IS_NONE,
        "squeeze unsqueeze torch.squeeze": "reshape",
        "Conv2DTranspose ConvTranspose2d conv_transpose deconv": THERE_IS_NONE,
        "ChannelShuffle": THERE_IS_NONE,
        "Upsample UpSampling2D": "up_sample",
        "Concatenate torch.cat cat": "concat",
        "Add": "add",
        "skip": "residual",
        "Sequential": "sequence",
        "ZeroPadding2D ZeroPad2d": "zero_pad",
        "Flatten nn.Flatten": "flatten",
        "Dropout2d SpatialDropout2D": "dropout",
        "SeparableConv2D": "separable_conv",
        "DepthwiseConv2D": "depthwise_conv",
        "Softmax": "softmax",
        "Conv2D conv2d nn.Conv2d": "conv",
    },
    "conv": {
        "out_channels output_channels channels features num_filters nb_filter": "filters",
        "in_channels input_channels input_shape": THERE_IS_NONE,
        "kernel_size ksize size": "kernel",
        "strides s": "stride",
        "pad padding_mode p": "padding",
        "g": "groups",
        "kernel_constraint bias_constraint": THERE_IS_NONE,
        "dilation_rate": "dilation",
        "use_bias": "bias",
        "bn with_bn normalization batchnorm": "norm: batch",
        "act nonlinearity": "activation",
        "kernel_initializer weight_init": "initializer",
        "kernel_regularizer l2 weight_decay": "train.weight_decay",
        "dropout": THERE_IS_NONE,
        "data_format": THERE_IS_NONE,
    },
    "conv with its kernel": {"bn": "norm: batch", "kernel_regularizer": "train.weight_decay", "ksize": "kernel"},
    "norm": {"bn batch_norm": "batch", "none": THERE_IS_NONE, "layer_norm": "layer", "group": THERE_IS_NONE},
    "activation of conv": {"none": THERE_IS_NONE, "ReLU": "relu", "nn.GELU": "gelu"},
    "initializer": {
        "he kaiming kaiming_normal kaiming_normal_": "he_normal",
        "kaiming_uniform": "he_uniform",
        "xavier xavier_uniform glorot": "glorot_uniform",
        "xavier_normal": "glorot_normal",
    },
    "dense": {
        "out_features num_classes classes neurons hidden size width": "units",
        "in_features": THERE_IS_NONE,
    },
    "pool": {"kernel_size kernel pool_size k": "size", "ceil_mode": THERE_IS_NONE},
    "pool with its size": {"kernel_size kernel pool_size k": "size", "ceil_mode": THERE_IS_NONE, "strides": "stride"},
    "dropout": {"p prob drop_rate keep_prob keep_rate": "rate"},
    "up_sample": {"size scale_factor scale": "factor"},
    "activation": {"type fn name": "function"},
    "batch_norm": {"eps": "epsilon", "affine": "scale", "num_features axis": THERE_IS_NONE},
    "stages": {
        "blocks num_blocks layers repeats depth": "depths",
        "filters channels width": "widths",
        "stride": "strides",
    },
    "residual": {"skip": "shortcut"},
    "shortcut": {"conv": "projection"},
    "repeat": {"n count num": "times"},
    "train": {
        "lr": "learning_rate",
        "bs batch batchsize global_batch_size": "batch_size",
        "num_epochs max_epochs n_epochs epoch": "epochs",
        "momentum": "train.optimizer.sgd.momentum",
        "nesterov": "train.optimizer.sgd.nesterov",
        "scheduler lr_scheduler lr_schedule schedule": "learning_rate",
        "warmup_epochs": "train.learning_rate.cosine.warmup",
        "patience": "train.early_stopping.patience",
        "amp fp16 bf16 mixed_precision dtype": "precision",
        "random_seed": "seed",
        "ema_decay": "ema",
        "grad_clip gradient_clip clip_norm_ clipnorm max_grad_norm gradient_clip_val": "clip_norm",
        "gradient_accumulation_steps accumulate_grad_batches": "accumulate",
        "l2 l2_reg wd": "weight_decay",
        "val_batch_size eval_batch_size": THERE_IS_NONE,
        "resume output_dir wandb tensorboard val_interval log_every": THERE_IS_NONE,
        "focal_loss pos_weight drop_path_rate": THERE_IS_NONE,
        "hflip horizontal_flip": "augment: [horizontal_flip]",
        "color_jitter": "augment: [color_jitter]",
        "rotation": "augment: [{rotation: 15}]",
        "reprob": "augment: [random_erasing]",
        "aa": "augment: [rand_augment]",
        "min_lr lr_min": "train.learning_rate.cosine.final",
        "warmup_lr": "train.learning_rate.cosine.warmup_rate",
        "cooldown_epochs": THERE_IS_NONE,
        "train_split": "data",
        "crop": "augment: [{random_crop: {pad: 4}}]",
        "monitor metric": "train.early_stopping.monitor",
        "loss": THERE_IS_NONE,
        "metrics": THERE_IS_NONE,
        "callbacks": THERE_IS_NONE,
        "class_weights": "class_weight",
        "num_workers workers": THERE_IS_NONE,
        "shuffle": THERE_IS_NONE,
        "validation_split val_split": "train.data.folder.validation",
        "num_classes": THERE_IS_NONE,
        "pretrained weights checkpoint finetune": "init_from",
        "freeze frozen requires_grad": "trainable",
        "strategy gpus devices": "distribute",
        "label_smooth": "label_smoothing",
        "mixup_alpha": "augment: [mixup]",
    },
    "adam": {"lr learning_rate": "train.learning_rate", "weight_decay": "train.weight_decay", "eps": "epsilon"},
    "sgd": {"weight_decay": "train.weight_decay", "lr": "train.learning_rate"},
    "optimizer": {
        "Adam optim.Adam adam(lr=0.001) Adam(lr=0.001)": "adam",
        "AdamW": "adamw",
        "RMSprop": "rmsprop",
        "Lion": "lion",
        "SGD": "sgd",
    },
    "schedule": {
        "ReduceLROnPlateau reduce_on_plateau": "plateau",
        "MultiStepLR multistep piecewise": "step",
        "exponential": THERE_IS_NONE,
        "CosineAnnealingLR CosineDecay": "cosine",
        "OneCycleLR": "one_cycle",
    },
    "cosine": {"lr initial initial_learning_rate": "base"},
    "one_cycle": {"max_lr": "base"},
    "step": {"milestones gamma step_size": "drop"},
    "precision": {
        "fp16 16 half": "mixed_float16",
        "bf16 bfloat16 bf16-mixed": "mixed_bfloat16",
        "fp32 32": "float32",
    },
    "augment": {"hflip random_flip RandomHorizontalFlip": "horizontal_flip", "none": THERE_IS_NONE},
    "augment in a list": {
        "hflip random_flip RandomHorizontalFlip fliplr": "horizontal_flip",
        "vflip flipud": "vertical_flip",
        "random_rotation RandomRotation": "rotation",
        "cutout erasing random_erase": "random_erasing",
        "RandomResizedCrop": "random_resized_crop",
        "ColorJitter brightness contrast hsv": "color_jitter",
        "autoaugment": "rand_augment",
        "trivialaugment": "trivial_augment",
        "augmix": "aug_mix",
        "scale": "affine",
        "random_order RandomApply": THERE_IS_NONE,
        "none": THERE_IS_NONE,
    },
    "data": {
        "cifar10": "tfds: cifar10",
        "mnist": "tfds: mnist",
        "imagenet2012": "tfds: imagenet2012",
        "imagenette": "tfds: {name: imagenette, validation: validation}",
        "stl10": "tfds: stl10",
        "food101": "tfds: {name: food101, validation: validation}",
        "tiny_imagenet": "folder: {path: FOLDER}",
        "flowers102": "tfds: oxford_flowers102",
        "tests": "folder: {path: tests}",
        "some/pictures": "folder: {path: some/pictures}",
        "some/pictures.npz": "npz: {path: some/pictures.npz}",
        "path directory root data_dir dataset": "folder: {path: FOLDER}",
        "numpy arrays": "npz: {path: FILE}",
    },
    "folder": {"directory root data_dir dataset": "path", "validation_split val_split": "validation"},
    "tfds": {"split": "train"},
    "affine": {"rotate rotation": "degrees"},
    "normalisation": {"imagenet": "torchvision"},
    "resize": {"squash": "stretch", "letterbox": "pad"},
    "sampler": {"weighted WeightedRandomSampler": "balanced"},
    "padding": {"zeros": THERE_IS_NONE, "none": "valid"},
    "merge": {"average subtract maximum": THERE_IS_NONE},
    "top": {
        "arch": "model",
        "defaults": "model.defaults",
        "training": "train",
        "network architecture backbone": "model",
        "layers": "model.layers",
        "optimizer": "train.optimizer",
        "learning_rate lr": "train.learning_rate",
        "data": "train.data",
        "epochs num_epochs": "train.epochs",
        "tune hyperparameters hpo": "search",
        "tuner": "search.tuner",
    },
    "model": {"num_classes": THERE_IS_NONE, "input_shape": "input"},
    "search": {
        "max_trials": "search.tuner.random_search.max_trials",
        "metric monitor": "objective",
        "flops": "search.budget.macs",
        "pruner": "search.tuner.hyperband",
        "params": "space",
    },
    "budget": {"flops": "macs", "parameters params max_params": "trainable_parameters"},
    "space": {"lr": "train.learning_rate", "epochs": "train.epochs", "momentum": "train.optimizer.sgd.momentum"},
    "kind of value": {
        "categorical": "choice",
        "uniform quniform": "float",
        "randint": "int",
        "loguniform": "float: [1e-4, 0.1], log: true",
    },
    "tuner": {"grid": "grid_search", "BayesianOptimization": "bayesian"},
}
CASES = [
    (place, word, meant) for place, found in WORDS.items() for words, meant in found.items() for word in words.split()
]


@pytest.mark.parametrize(("place", "word", "meant"), CASES, ids=[f"{place}: {word}" for place, word, _ in CASES])
def test_the_first_suggestion_is_what_is_meant(place: str, word: str, meant: str):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(PLACES[place](word))
    (problem,) = [
        one for one in caught.value.problems if f"'{word}'" in one.message or one.where.path == f"search.space.{word}"
    ]
    first = re.search(r"did you mean '(.*?)'", problem.message)
    if meant == THERE_IS_NONE:
        assert first is None and "known:" not in problem.message
        assert len(problem.message.partition("; ")[2]) > 10
    else:
        assert first is not None and first[1] == meant


@pytest.mark.parametrize(
    ("place", "word", "meant"),
    [
        ("norm", True, "'batch'"),
        ("shortcut", True, "'projection'"),
        ("sampler", True, "'balanced'"),
        ("precision", 16, "'mixed_float16'"),
        ("precision", 32, "'float32'"),
        ("schedule", "1e-4", "write 1e-4 without quotes"),
        ("schedule", "0.1", "write 0.1 without quotes"),
        ("schedule", "0,001", "write 0.001"),
        ("optimizer", {"type": "adam"}, "write 'adam', or 'adam: {its fields}'"),
        ("optimizer", {"name": "sgd", "momentum": 0.9}, "write 'sgd: {momentum: ...}'"),
        ("layer", {"type": "conv", "filters": 3}, "write 'conv: {filters: ...}'"),
        ("optimizer", "adam(lr=0.001)", "Its lr is 'train.learning_rate' here"),
        ("layer", "nn.LeakyReLU(0.1)", "'activation: leaky_relu'"),
        ("layer", "nn.Conv2d(3, 64, 3)", "'conv'"),
        ("data", "cifra10", "'tfds: cifar10'"),
        ("data", "digit", "'digits'"),
        ("early_stopping", 5, "write {patience: 5}"),
        ("layer", {"dropout": {"keep_prob": 0.8}}, "one minus"),
    ],
)
def test_values_are_answered_too(place: str, word: Any, meant: str):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(PLACES[place](word))
    assert meant in str(caught.value)


@pytest.mark.parametrize(("word", "shipped"), [("vgg11", "a"), ("vgg13", "b"), ("vgg16", "d"), ("VGG19.yaml", "e")])
def test_networks_are_known_by_their_usual_names(word: str, shipped: str):
    with pytest.raises(UnreadableFile, match=f"did you mean the shipped spec 'vgg_{shipped}'"):
        archspec.load(word)


@pytest.mark.parametrize("place", ["augment", "augment in a list"])
def test_an_augmentation_that_resembles_none_is_followed_by_all(place: str):
    with pytest.raises(archspec.SpecError, match=r"; known: affine, aug_mix, .*, vertical_flip$"):
        archspec.loads(PLACES[place]("elastic"))


def test_a_field_that_was_meant_is_not_missing_too():
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(spec([{"conv": {"out_channels": 4, "kernel_size": 3}}, *LAYERS]))
    assert str(caught.value) == (
        "<mapping>: model.layers[0].conv: unknown field 'out_channels' of conv; did you mean 'filters'?\n"
        "<mapping>: model.layers[0].conv: unknown field 'kernel_size' of conv; did you mean 'kernel'?"
    )


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ("{filters: 4, kernel: 3x5}", "a list stands in square brackets: [3, 5]"),
        ("{filters: 4, kernel: '(3, 5)'}", "a list stands in square brackets: [3, 5]"),
        ("{filters: 4, kernel: (3, 5)}", "a list stands in square brackets, such as [3, 3]"),
        ("{filters: 4, kernel: 3, padding: 1x2}", "a list stands in square brackets: [1, 2]"),
        ("{filters=4, kernel: 3}", "write 'filters: 4'"),
        ("{out_channels=4, kernel: 3}", "write 'filters: 4'"),
    ],
)
def test_lists_and_fields_in_the_syntax_of_python(fields: str, hint: str):
    text = f"name: net\nmodel: {{input: [8, 8, 3], layers: [conv: {fields}, global_avg_pool, dense: 10]}}"
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(text)
    assert f"; {hint}\n" in str(caught.value)


@pytest.mark.parametrize("word", ["conv: {filters: 3, kernel: 3}", "dropout: 0.5"])
def test_a_layer_in_quotes_has_its_colon_and_space_already(word: str):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(layer(word))
    assert "leave out the quotes" in str(caught.value) and "with a space" not in str(caught.value)


@pytest.mark.parametrize("shape", [[3, 224, 224], [1, 28, 28]])
def test_an_input_with_its_channels_first_is_refused(shape: list[int]):
    model = {"input": shape, "layers": LAYERS}
    with pytest.raises(archspec.SpecError, match=re.escape(f"write {[*shape[1:], shape[0]]}")):
        archspec.loads({"name": "net", "model": model})


@pytest.mark.parametrize("one", ["horizontal_flip", {"random_crop": 2}])
def test_one_augmentation_needs_no_list(one: Any):
    alone, listed = (archspec.loads(spec(train={"augment": augment})) for augment in (one, [one]))
    assert alone.train is not None and listed.train is not None
    assert alone.train.augment == listed.train.augment


@pytest.mark.parametrize(
    ("assignment", "meant"),
    [
        ("epochs=3", "train.epochs"),
        ("num_epochs=3", "train.epochs"),
        ("lr=0.1", "train.learning_rate"),
        ("batch_size=8", "train.batch_size"),
        ("optimizer=adam", "train.optimizer"),
        ("momentum=0.5", "train.optimizer.sgd.momentum"),
        ("max_trials=3", "search.tuner.random_search.max_trials"),
        ("flops=3", "search.budget.macs"),
        ("traning.epochs=3", "train"),
        ("optimizer.sgd.momentum=0.5", "train.optimizer.sgd.momentum"),
        ("layers[0].conv.filters=3", "model.layers[0].conv.filters"),
        ("conv1.filters=3", "model.layers[0].conv.filters"),
        ("stage1.depths=[1,1]", "model.layers[1].stages.depths"),
        ("dense1.units=10", "model.layers[3].dense.units"),
        ("dense1=10", "model.layers[3].dense.units"),
    ],
)
def test_a_name_alone_is_answered_with_its_path(assignment: str, meant: str):
    with pytest.raises(archspec.SpecError, match=f"did you mean '{re.escape(meant)}'") as caught:
        archspec.load("digits", parse_assignments([assignment]))
    if "." not in assignment:  # the suggestion can be followed
        archspec.load("digits", parse_assignments([f"{meant}={assignment.partition('=')[2]}"]))
    assert len(caught.value.problems) == 1


def test_a_misspelt_name_of_a_layer_is_answered_with_the_name():
    with pytest.raises(archspec.SpecError, match=r"did you mean 'fc\.units'"):
        archspec.load("resnet18", {"fcc.units": 10})


def test_the_number_of_a_layer_is_not_guessed_after_layers_with_layers_in_them():
    layers = [{"sequence": {"layers": [{"dense": 4}]}}, {"dense": 10}]
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(spec(["flatten", *layers]), {"dense2.units": 10})
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "known", "wrong"),
    [
        ("random_flip", "random_crop", "random_crop"),
        ("ema_decay", "weight_decay", "weight_decay"),
        ("conv_transposed", "conv_table", "conv_table"),
        ("max_queue", "max_pool", "max_pool"),
    ],
)
def test_a_word_is_not_taken_for_one_that_shares_a_part(word: str, known: str, wrong: str):
    assert closest(word, [known]) != wrong


# -- the tables ------------------------------------------------------------------------------------------------------


def kinds_of_layers() -> dict[str, Record]:
    kinds = {kind: primitive_record(kind) for kind in PRIMITIVES} | STRUCTURES
    return kinds | {name: block.record for name, block in BLOCKS.items()}


RECORDS: dict[str, Record] = {
    **DISTRIBUTE,  # first, as a strategy and a layer are named `towers`
    **kinds_of_layers(),
    **{record.noun: record for record in (TRAIN, TOP, MODEL, BLOCK, SEARCH, EXPECT, record_of(Range, "a range"))},
    **OPTIMIZERS, **SCHEDULES, **AUGMENTATIONS, **DATA, **TUNERS, **KINDS_OF_VALUES,
    "early_stopping": record_of(EarlyStopping), "checkpoints": record_of(Checkpoints),
    "weight_decay": record_of(L2), "budget": record_of(Budget), "objective": record_of(Objective),
}  # fmt: skip
FIELDS = {noun: record.known() for noun, record in (RECORDS | activations.RECORDS).items()}
KINDS = {
    "layer": list(kinds_of_layers()), "optimizer": list(OPTIMIZERS), "schedule": list(SCHEDULES),
    "augmentation": list(AUGMENTATIONS), "data source": list(DATA), "strategy": list(DISTRIBUTE),
    "tuner": list(TUNERS), "kind of value": list(KINDS_OF_VALUES), "command": list(COMMANDS),
    "initializer": list(initializers.FORM.records), "shipped spec": shipped_names(),
}  # fmt: skip
ROWS = [(table, *row) for table in ("fields", "kinds") for row in rows(table)]


def known_at(table: str, place: str) -> list[str] | None:
    """The names that there are at a place; None for those that other packages know."""
    if place in ("parameter", "--format", "init_from"):
        return None
    return (FIELDS if table == "fields" else KINDS)[place]


@pytest.mark.parametrize(("table", "places", "words", "answer"), ROWS, ids=[f"{r[1][0]}: {r[2][0]}" for r in ROWS])
def test_rows_are_of_use(table: str, places: list[str], words: list[str], answer: Any):
    """A row suggests names that exist, for words that do not. One of `missing` fails here once its name exists."""
    useful = set()
    for place in places:
        known = known_at(table, place)
        if known is None or not all(name in known for name in answer.names):
            useful |= set(words) if known is None else set()
            continue
        useful |= {word for word in words if bare(word) not in map(bare, known)}
    assert useful == set(words), f"known already, or never suggested: {set(words) - useful}"
    for name in answer.names:
        assert any(known_at(table, place) is None or name in (known_at(table, place) or ()) for place in places)


PATHS = re.compile(r"\b(?:train|model|search)\.[a-z_.]+")


@pytest.mark.parametrize("path", sorted({path for row in ROWS for path in PATHS.findall(row[3].write)}))
def test_suggested_paths_lead_somewhere(path: str):
    from archspec.fields.base import Form

    form: Form | None = TOP
    for step in path.split("."):
        assert form is not None
        form = form.inside(step, lambda kind: None)
    assert form is not None or path == "model.input"


CHOICES: dict[str, tuple[str, ...]] = {
    "norm": tuple(NORMS),
    "activation": ACTIVATIONS,
    "function": ACTIVATIONS,
    "shortcut": SHORTCUTS,
    "merge": MERGES,
    "padding": ("same", "valid", "symmetric"),
    "interpolation": ("nearest", "bilinear"),
    "precision": tuple(ACTIVATION_BYTES),
    **dict.fromkeys(("monitor", "best", "name"), MONITORS),
    "normalisation": ("data", *NORMALISATIONS),
    "resize": ("crop", "stretch", "pad"),
    "sampler": ("shuffled", "balanced"),
    "xla": ("auto", "on", "off"),
    "cache": ("auto", "off"),
    "on_corrupt": ("error", "skip"),
}


@pytest.mark.parametrize(("places", "words", "answer"), [*rows("values")], ids=lambda part: str(part)[:40])
def test_answers_for_values_are_values(places: list[str], words: list[str], answer: Any):
    for place in places:
        assert all(name in CHOICES[place] for name in answer.names)
        assert not {*words} & {*CHOICES[place]}
