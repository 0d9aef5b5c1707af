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
    "augmentation": {
        "vertical_flip, vflip, flipud, flip_ud, random_vertical_flip": instead(
            "there is none; 'horizontal_flip' mirrors left to right"
        ),
        "rotation, rotate, random_rotation, random_rotate": instead("there is none by itself; 'rand_augment' rotates"),
        "affine, random_affine, shear, translate, random_translation, random_zoom, zoom": instead(
            "there is none by itself; 'rand_augment' shears and shifts, and 'random_resized_crop' zooms"
        ),
        "blur, gaussian_blur, random_blur": instead("there is none"),
        "grayscale, greyscale, random_grayscale, to_gray": instead(
            "there is none by itself; 'color_jitter' changes the saturation"
        ),
        "aug_mix": instead("there is none; 'rand_augment' is the nearest"),
        "trivial_augment, trivial_augment_wide": instead("there is none; 'rand_augment' is the nearest"),
    },
}

FIELDS: Table = {
    "train": {
        "class_weight, class_weights": instead("there are no weights of classes; every picture counts alike"),
        "sampler, weighted_sampler, balanced, oversample": instead(
            "there is no sampling by class; every picture is seen once in an epoch"
        ),
    },
}

VALUES: Table = {
    "norm": {
        "group, group_norm, gn, instance, instance_norm": instead("there is none; 'batch' and 'layer' are the norms"),
    },
}
