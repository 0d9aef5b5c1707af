"""Words for the sections of a spec, for `search`, and for the commands and their options."""

from archspec.vocabulary.answers import Answer, Table, instead

FIELDS: Table = {
    "the spec": {
        "training, trainer, fit": "train",
        "network, architecture, arch, backbone, net": "model",
        "tune, tuning, hyperparameters, hyperparameter_search, hpo, sweep": "search",
        "parameters, variables, vars, args, config, hparams, constants": "params",
        "base, _base_, inherit, include, parent": "extends",
        "overrides, override": "set",
        "title, id": "name",
        "doc, docs, comment, notes": "description",
        "modules, components, macros, definitions": "blocks",
        "input_shape, input_size, image_size, img_size, imgsz": "model.input",
        "version, schema": instead("leave it out"),
        "expected, expectations, checks, assert, golden": "expect",
    },
    "parameter": {"num_classes, n_classes, nc": "classes"},
    "model": {
        "input_shape, input_size, image_size, img_size, in_shape, inputs": "input",
        "num_classes, n_classes, classes, nc": instead(
            "the last layer has the number of classes as its units, such as dense: 10"
        ),
        "blocks, backbone, body, network, layer, modules": "layers",
        "head, classifier, neck": Answer("layers", "the head is the end of the list"),
        "pretrained, weights, checkpoint": "train.init_from",
        "init, initializer, norm, activation, default": Answer("defaults", "it has the fields of each kind of layer"),
        "type, arch": instead("leave it out; the layers are the network, and 'extends' starts from another spec"),
        "output, outputs, num_outputs": instead("leave it out; the last layer is the output"),
    },
    "a block": {"parameters, args, arguments, inputs, kwargs": "params", "body, block, modules": "layers"},
    "search": {
        "max_trials, trials, n_trials, num_trials": "search.tuner.random_search.max_trials",
        "metric, monitor, goal, target": "objective",
        "direction, mode": "search.objective.direction",
        "params, parameters, hyperparameters, search_space, variables": "space",
        "algorithm, method, sampler, strategy, scheduler": "tuner",
        "pruner, pruning": Answer("search.tuner.hyperband", "it stops poor trials early"),
        "limits, constraints, max": "budget",
        "flops, max_flops, gflops": Answer("search.budget.macs", "one multiply-accumulate is two FLOPs, so write half"),
        "macs, max_macs": "search.budget.macs",
        "max_params, num_params, size": "search.budget.trainable_parameters",
        "latency, max_latency": "search.budget.latency_ms",
        "timeout, time_limit, max_time": "max_minutes_per_trial",
        "seed, random_state": "search.tuner.random_search.seed",
    },
    "budget": {
        "flops, max_flops, gflops": Answer("macs", "one multiply-accumulate is two FLOPs, so write half"),
        "max_macs, multiply_adds": "macs",
        "parameters, params, max_params, num_params, weights, size": "trainable_parameters",
        "latency, max_latency, ms, milliseconds": "latency_ms",
        "memory, activations, activation_bytes": "training_activation_bytes or inference_activation_bytes",
    },
    "expect": {
        "params, num_params, total_params, weights": "parameters",
        "trainable, trainable_params": "trainable_parameters",
        "non_trainable, non_trainable_params, buffers": "non_trainable_parameters",
        "multiply_adds, mult_adds, gmacs": "macs",
        "gflops": "flops",
        "field, rf": "receptive_field",
        "size, bytes, size_bytes": "weights_bytes",
        "memory, activations, activation_bytes": "training_activation_bytes or inference_activation_bytes",
    },
    "a range": {"min, minimum, least, low, from": "at_least", "max, maximum, most, high, limit, to": "at_most"},
    "objective": {"metric, monitor": "name", "mode, goal": "direction"},
    "random_search, grid_search, bayesian": {"trials, n_trials, num_trials, max_evals, n_iter": "max_trials"},
    "hyperband": {
        "max_t, epochs": "max_epochs",
        "eta, reduction_factor": "factor",
        "max_trials, trials, n_trials": instead("leave it out; it follows from max_epochs, factor and iterations"),
        "iterations": "hyperband_iterations",
    },
    "bayesian": {"n_initial_points, n_startup_trials, init_points": "num_initial_points"},
    "int, float": {
        "logarithmic, log_scale": "log",
        "sampling": Answer("log: true", "it is for a logarithmic range"),
        "q, quantum, stride": "step",
        "min, low, max, high": instead("the list has both ends, [least, most]"),
    },
    "int, float, choice, bool": {"condition, if, conditions, depends_on": "when", "initial, start": "default"},
}

KINDS: Table = {
    "kind of value": {
        "integer, randint, q_randint, range, int_uniform, suggest_int, uniform_int": "int",
        "uniform, quniform, number, double, real, suggest_float, float_uniform": "float",
        "loguniform, log_uniform, q_loguniform, reverse_log": Answer("float: [1e-4, 0.1], log: true"),
        "categorical, values, options, enum, grid_search, suggest_categorical, one_of": "choice",
        "boolean, flag": "bool",
        "min, max, low, high": Answer("int: [1, 9] or float: [0.1, 0.5]"),
        "normal, lognormal, gaussian": instead("there is none; 'float' is uniform, and with log: true logarithmic"),
    },
    "tuner": {
        "random": "random_search",
        "grid": "grid_search",
        "bayes, bayesian_optimization, gp, gaussian_process": "bayesian",
        "asha, successive_halving, bohb": "hyperband",
        "optuna, tpe, ray, evolution, cma_es": instead("the tuners are keras-tuner's; 'bayesian' is the nearest"),
    },
    "shipped spec": {"vgg11": "vgg_a", "vgg13": "vgg_b", "vgg16": "vgg_d", "vgg19": "vgg_e"},
    "--format": {
        "tflite, lite, tf_lite": "litert",
        "tf, pb, serving, tensorflow": "saved_model",
        "h5, hdf5": "keras",
        "int8, tflite_int8": "litert-int8",
        "fp16, float16, tflite_fp16": "litert-float16",
        "float32, fp32": "litert-float32",
        "torchscript, pytorch, pt, torch": instead(
            "for PyTorch there is tools/convert_weights.py with --to torch, and 'onnx' for other runtimes"
        ),
        "coreml, openvino, tensorrt, trt, engine, tfjs": Answer("onnx", "it is what their converters read"),
    },
    "command": {
        "fit, resume": "train",
        "test, eval, val, validate": "evaluate",
        "infer, classify, inference": "predict",
        "hpo, search, sweep": "tune",
        "info, describe, show, analyse, analyze, flops": "summary",
        "convert, import, convert_weights": "weights",
        "visualize, plot": "preview",
    },
}
