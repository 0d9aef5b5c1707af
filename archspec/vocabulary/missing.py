"""What people look for and the language lacks so far. A test fails when one of these names exists: then its row moves
to the other tables, with the name as the answer."""

from archspec.vocabulary.answers import Table, instead

KINDS: Table = {
    "layer": {
        "group_norm, gn, group_normalization, instance_norm, instance_norm2d": instead(
            "there is none; batch_norm and layer_norm are the normalisations"
        ),
        "drop_path, stochastic_depth": instead(
            "there is none; it drops a whole residual branch, which 'dropout' does not do"
        ),
        "conv_transpose, conv2d_transpose, conv_transpose2d, transposed_conv, deconv, deconvolution": instead(
            "there is none; 'up_sample' and then 'conv' enlarge a picture"
        ),
        "channel_shuffle, shuffle": instead("there is none; 'reshape' and 'permute' can mix the groups of channels"),
    },
}

FIELDS: Table = {}

VALUES: Table = {
    "norm": {
        "group, group_norm, gn, instance, instance_norm": instead("there is none; 'batch' and 'layer' are the norms"),
    },
}
