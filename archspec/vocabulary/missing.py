"""What people look for and the language lacks so far. A test fails when one of these names exists: then its row moves
to the other tables, with the name as the answer."""

from archspec.vocabulary.answers import Table, instead

KINDS: Table = {
    "layer": {
        "group_norm, gn, group_normalization, instance_norm, instance_norm2d": instead(
            "there is none; batch_norm and layer_norm are the normalisations"
        ),
        "rms_norm": instead("there is none; 'layer_norm' is the nearest"),
        "drop_path, stochastic_depth": instead(
            "there is none; it drops a whole residual branch, which 'dropout' does not do"
        ),
        "drop_block, alpha_dropout, gaussian_dropout": instead("there is none; 'dropout' drops single values"),
        "gaussian_noise, noise": instead("there is none; 'dropout' is the only random layer"),
        "max_unpool, max_unpool2d, unpool, unpooling": instead("there is none; 'up_sample' enlarges a picture"),
        "maxout": instead("there is none; 'activation' has the functions of single values"),
        "convnext, convnext_block": instead(
            "there is none; 'residual' with depthwise_conv, layer_norm and two conv of kernel 1 in it is such a block"
        ),
        "fused_mb_conv, fused_inverted_residual": instead(
            "there is none; 'residual' with a conv of kernel 3 and one of kernel 1 in it is such a block"
        ),
        "pixel_shuffle, depth_to_space": instead("there is none; 'up_sample' enlarges a picture"),
        "deform_conv, deform_conv2d, ghost_conv, coord_conv, octave_conv, partial_conv, dynamic_conv": instead(
            "there is none; conv, depthwise_conv, separable_conv and conv_table are the convolutions"
        ),
        "average, subtract, maximum, minimum": instead("there is none; layers are merged by add, multiply or concat"),
        "conv_transpose, conv2d_transpose, conv_transpose2d, transposed_conv, deconv, deconvolution": instead(
            "there is none; 'up_sample' and then 'conv' enlarge a picture"
        ),
        "channel_shuffle, shuffle": instead("there is none; 'reshape' and 'permute' can mix the groups of channels"),
    },
}

FIELDS: Table = {
    "conv, depthwise_conv, separable_conv, conv_table, dense": {
        "kernel_constraint, bias_constraint, activity_regularizer": instead("there is none; leave it out"),
    },
    "train": {
        "drop_path_rate, drop_path, stochastic_depth": instead(
            "there is none; it drops whole residual branches, which no layer does"
        ),
        "val_batch_size, eval_batch_size, test_batch_size": instead("there is none; validation takes 'batch_size' too"),
        "focal_loss, pos_weight": instead(
            "there is none; the loss is the cross-entropy of the logits, and 'class_weight' weighs its classes"
        ),
        "val_interval, val_every, val_freq, check_val_every_n_epoch, eval_interval": instead(
            "there is none; every epoch ends with a validation"
        ),
        "cooldown_epochs, cooldown": instead("there is none; the schedule ends with the last epoch"),
        "log_every, log_interval, log_every_n_steps, log_freq": instead("there is none; every epoch is logged"),
    },
}

VALUES: Table = {
    "merge": {
        "average, mean, avg, subtract, maximum, max, minimum, min": instead(
            "there is none; layers are merged by add, multiply or concat"
        ),
    },
    "norm": {
        "group, group_norm, gn, instance, instance_norm": instead("there is none; 'batch' and 'layer' are the norms"),
    },
}
