"""Words for layers, their fields and the values of those."""

from archspec.vocabulary.answers import Answer, Table, instead

KNOWN_INPUT = instead("leave it out, as the shape that arrives is known")
CHANNELS_LAST = instead("leave it out; pictures are (height, width, channels)")
LEAVE_OUT = instead("leave the field out")
NO_SEQUENCES = instead("there are only layers of convolutional networks for pictures")

EVERY_LAYER = (
    "conv, depthwise_conv, separable_conv, conv_table, basic, bottleneck, inverted_residual, squeeze_excite, dense, "
    "max_pool, avg_pool, global_avg_pool, global_max_pool, batch_norm, layer_norm, local_response_norm, activation, "
    "softmax, dropout, flatten, reshape, permute, zero_pad, up_sample, slice_channels, pad_channels, add, multiply, "
    "concat, parallel, residual, towers, sequence, repeat, stages"
)

KINDS: Table = {
    "layer": {
        "linear, fc, fully_connected, inner_product, affine": "dense",
        "conv2d, convolution, convolution2d, cnn": "conv",
        "depthwise_conv2d, dw_conv, depthwise": "depthwise_conv",
        "separable_conv2d, sep_conv, depthwise_separable_conv": "separable_conv",
        "conv1x1, pointwise, pointwise_conv": Answer("conv", "set kernel: 1"),
        "conv_bn, conv_bn_relu, conv_bn_act, conv_norm_act, conv_module": Answer(
            "conv", "its fields 'norm' and 'activation' add the two layers"
        ),
        "max_pool2d, max_pooling2d, max_pooling": "max_pool",
        "avg_pool2d, average_pooling2d, average_pool, mean_pool": "avg_pool",
        "adaptive_avg_pool, adaptive_avg_pool2d, gap, global_pool, global_average_pooling2d, global_average_pooling, "
        "global_avg_pool2d": "global_avg_pool",
        "adaptive_max_pool, adaptive_max_pool2d, gmp, global_max_pooling2d, global_max_pool2d": "global_max_pool",
        "bn, batch_norm2d, batch_normalization, sync_batch_norm": "batch_norm",
        "ln, layer_norm2d, layer_normalization": "layer_norm",
        "lrn, local_response_normalization": "local_response_norm",
        "prelu": instead("no activation has weights; leaky_relu comes near: 'activation: leaky_relu'"),
        "hardswish, h_swish": "activation: hard_swish",
        "dropout2d, spatial_dropout2d, feature_dropout": Answer("dropout", "none drops whole channels"),
        "identity, no_op, pass_through": instead(
            "leave it out; in 'parallel', an empty branch [] passes its input through"
        ),
        "lambda": instead("a spec holds no code; write a block in Python, as CONTRIBUTING.md says"),
        "se, se_block, se_layer, se_module, squeeze_excitation, squeeze_and_excitation": "squeeze_excite",
        "mb_conv, inverted_bottleneck, inverted_residual_block": "inverted_residual",
        "basic_block": "basic",
        "bottleneck_block": "bottleneck",
        "residual_block, res_block, shortcut, skip_connection": "residual",
        "skip": Answer("residual", "for layers with names there is also 'add: {from: [a, b]}'"),
        "up_sampling2d, upsample2d, up_sampling, interpolate": "up_sample",
        "concatenate, cat": "concat",
        "mul": "multiply",
        "sequential, module, group": "sequence",
        "branch, branches, inception": "parallel",
        "loop, for": "repeat",
        "zero_padding2d, zero_pad2d, padding, pad": "zero_pad",
        "transpose": "permute",
        "view, squeeze, unsqueeze, torch_squeeze": "reshape",
        "dense_block": instead(
            "there is none; in 'parallel', an empty branch [] and a branch of convolutions, merged by concat, are one "
            "step of it"
        ),
        "scale, scale_bias": instead("leave it out; batch_norm has a factor and an offset for each channel"),
        "normalization, rescaling": instead("leave it out; pictures are normalised as 'train.normalisation' says"),
        "input, input_layer": "model.input",
        "conv1d, conv3d, max_pool1d, max_pool3d, lstm, gru, rnn, embedding, attention, multihead_attention, "
        "multi_head_attention, transformer, transformer_block": NO_SEQUENCES,
    },
    "initializer": {
        "he, kaiming, kaiming_normal, msra, he_init": "he_normal",
        "kaiming_uniform": "he_uniform",
        "xavier, xavier_uniform, glorot": "glorot_uniform",
        "xavier_normal": "glorot_normal",
        "lecun": "lecun_normal",
        "gaussian, random_normal": "normal",
        "random_uniform": "uniform",
        "trunc_normal": "truncated_normal",
        "zero": "zeros",
        "one": "ones",
        "none, default, false": LEAVE_OUT,
    },
}

FIELDS: Table = {
    "conv, depthwise_conv, separable_conv, conv_table, basic, bottleneck, residual": {
        "out_channels, out_planes, planes, channels, features, num_filters, n_filters, nb_filter, num_output, "
        "out_features, output_channels, units, width": "filters",
        "kernel_size, ksize, size, filter_size, window, k": "kernel",
        "strides, subsample, s": "stride",
        "pad, pad_type, padding_mode, border_mode, p": "padding",
        "dilation_rate, rate": "dilation",
        "group, num_groups, cardinality, g": "groups",
        "depth_multiplier, channel_multiplier": "multiplier",
    },
    "inverted_residual": {
        "in_channels, in_planes, in_chs, input_channels": "inputs",
        "out_channels, out_planes, out_chs, output_channels, channels, features, num_filters": "filters",
        "expand_ratio, expansion_factor, expand": "expansion",
        "kernel_size, ksize, size": "kernel",
        "strides, s": "stride",
    },
    "bottleneck": {"expand_ratio, expansion_factor": "expansion", "downsample, skip, projection": "shortcut"},
    "basic, residual": {"downsample, skip, projection": "shortcut"},
    "squeeze_excite": {
        "in_channels, input_channels, channels, features": "filters",
        "reduction, reduction_ratio, r, squeeze_ratio": "ratio",
    },
    "dense": {
        "out_features, num_classes, classes, neurons, hidden, hidden_units, num_units, size, width, features, "
        "out_channels, output_channels, channels, filters": "units",
        "kernel, kernel_size": instead("a dense layer has no window; 'units' is the length of its output"),
    },
    "conv, depthwise_conv, separable_conv, conv_table, basic, bottleneck, inverted_residual, residual, dense, "
    "squeeze_excite": {
        "use_bias": "bias",
        "act, act_layer, activation_fn, activation_layer, nonlinearity": "activation",
        "bn, use_bn, with_bn, batch_norm, norm_layer, normalization, normalizer": "norm: batch",
        "layer_norm, ln": "norm: layer",
        "kernel_initializer, weight_init, weight_initializer, init": "initializer",
        "kernel_regularizer, regularizer, l2, weight_decay, wd": "train.weight_decay",
        "dropout, dropout_rate, drop, drop_rate": instead(
            "dropout is a layer of its own; put 'dropout: 0.5' after this one"
        ),
        "trainable, frozen, freeze, requires_grad": "train.trainable",
    },
    "max_pool, avg_pool": {
        "kernel_size, kernel, pool_size, ksize, k, window": "size",
        "strides, s": "stride",
        "pad, padding_mode, p": "padding",
        "ceil_mode": instead(
            "say it with padding at the bottom and on the right, such as padding: [[0, 1], [0, 1]], or with "
            "'padding: same'"
        ),
        "count_include_pad": instead(
            "'padding: same' leaves padding out of the mean; explicit padding counts as zeros"
        ),
        "global": instead("there are layers for it, global_avg_pool and global_max_pool"),
    },
    "global_avg_pool, global_max_pool": {
        "output_size": instead("leave it out; the output is one value for each channel"),
    },
    "dropout": {
        "p, prob, probability, drop_rate, drop_prob": "rate",
        "keep_prob, keep_rate": Answer("rate", "it is the share that is dropped: one minus the share that is kept"),
        "inplace": LEAVE_OUT,
    },
    "up_sample": {"size, scale_factor, scale, stride": "factor", "mode, method": "interpolation"},
    "leaky_relu, relu": {"alpha, negative_slope, a": "slope", "max": "max_value"},
    "activation": {
        "type, kind, fn, func, name, act, activation": "function",
        "inplace": LEAVE_OUT,
    },
    "batch_norm, layer_norm": {
        "eps": "epsilon",
        "affine, elementwise_affine": "scale and center",
        "num_features, normalized_shape, axis": instead("leave it out; it normalises the channels that arrive"),
        "decay": "momentum",
        "gamma_initializer": "scale_initializer",
    },
    "local_response_norm": {
        "size, n": Answer("radius", "it counts the channels on one side: a size of 5 is a radius of 2"),
        "depth_radius": "radius",
        "k": "bias",
    },
    "stages": {
        "blocks, num_blocks, layers, repeats, depth, num_layers": "depths",
        "filters, channels, out_channels, width, planes": "widths",
        "stride": "strides",
        "type, block_type": "block",
    },
    "residual": {"body, block, branch": "layers"},
    "repeat": {"n, count, num, number, repeats": "times", "block, body, layer": "layers"},
    "parallel": {"paths, layers, inputs": "branches", "mode, join, op": "merge"},
    "towers": {"groups, n, num, number": "count", "block, body, layer": "layers"},
    "sequence": {"blocks, block, body, modules": "layers"},
    "concat": {"axis, dim": instead("leave it out; it joins the channels")},
    "add, multiply, concat": {"inputs, input, layers": Answer("from: [a, b]", "it takes layers by their names")},
    "zero_pad": {"pad, size, amount": "padding"},
    "reshape": {"shape, target_shape, size": "target"},
    "permute": {"dims, axes, perm": "order"},
    "slice_channels": {"begin, from_": "start", "end": "stop"},
    EVERY_LAYER: {
        "in_channels, in_planes, inplanes, in_features, in_chs, input_channels, input_shape, input_dim, "
        "input_size": KNOWN_INPUT,
        "data_format, channels_last": CHANNELS_LAST,
    },
}

VALUES: Table = {
    "norm": {
        "true, bn, batch_norm, batch_norm2d, batch_normalization": "batch",
        "ln, layer_norm, layer_norm2d, layer_normalization": "layer",
        "none, false, no, identity": LEAVE_OUT,
    },
    "activation, function": {
        "none, identity, false, no": LEAVE_OUT,
        "hswish": "hard_swish",
        "hsigmoid": "hard_sigmoid",
        "leaky": "leaky_relu",
        "prelu": instead("no activation has weights; 'leaky_relu' comes near"),
    },
    "shortcut": {
        "conv, conv1x1, 1x1, downsample, true, option_b": "projection",
        "zero, zeros, zero_pad, option_a": "pad",
        "false, no": "none",
        "skip": "identity",
    },
    "merge": {"sum, plus": "add", "cat, concatenate": "concat", "mul, product, prod": "multiply"},
    "padding": {
        "none": Answer("valid", "it is without padding; a number adds as many zeros to each side"),
        "zeros, constant": instead(
            "padding is with zeros in any case; leave the field out, or write how much, such as 'same'"
        ),
        "reflect, replicate, circular": instead("padding is with zeros: 'same', 'valid', 'symmetric' or numbers"),
    },
    "interpolation": {"linear": "bilinear", "bicubic, cubic, area": "bilinear"},
}
