"""Words of the section `train`: its fields, optimizers, schedules, augmentations and data."""

from archspec.vocabulary.answers import Answer, Table, instead

FROM_LOGITS = instead("leave it out; the loss is the cross-entropy of the logits")
PENALTY = Answer("train.weight_decay", "it is the papers' L2 penalty in the loss")
RATE = Answer("train.learning_rate")
LAST_LAYER = instead("leave it out; the units of the last dense layer are the number of classes")

FIELDS: Table = {
    "train": {
        "lr, rate, base_lr, lr0, initial_lr": "learning_rate",
        "scheduler, lr_scheduler, lr_schedule, schedule, lr_policy": "learning_rate",
        "warmup, warmup_epochs, warmup_steps": Answer(
            "train.learning_rate.cosine.warmup", "every schedule has the field 'warmup', in epochs"
        ),
        "lr_decay, decay, gamma": Answer("learning_rate", "a schedule such as step or cosine lowers it"),
        "bs, batch, global_batch_size, train_batch_size, samples_per_gpu": "batch_size",
        "warmup_lr": "train.learning_rate.cosine.warmup_rate",
        "min_lr, lr_min, eta_min, end_lr": "train.learning_rate.cosine.final or train.learning_rate.plateau.minimum",
        "num_epochs, max_epochs, n_epochs, epoch, nb_epoch": "epochs",
        "steps, max_steps, iterations, max_iter": Answer("epochs", "the length of a training is in epochs"),
        "momentum": "train.optimizer.sgd.momentum",
        "nesterov": "train.optimizer.sgd.nesterov",
        "optim, opt": "optimizer",
        "patience": "train.early_stopping.patience or train.learning_rate.plateau.patience",
        "monitor, metric": "train.early_stopping.monitor or search.objective",
        "amp, fp16, bf16, half, mixed_precision, dtype": "precision",
        "random_seed, random_state, manual_seed": "seed",
        "ema_decay, model_ema, ema_momentum, swa": "ema",
        "grad_clip, gradient_clip, clip, clip_grad, max_grad_norm, gradient_clip_val": "clip_norm",
        "gradient_accumulation_steps, gradient_accumulation, accumulate_grad_batches, accumulation_steps, "
        "grad_accum, nominal_batch_size": "accumulate",
        "gradient_checkpointing, activation_checkpointing, grad_checkpointing, checkpoint_activations, remat, "
        "recompute, memory_efficient": "rematerialize",
        "l2, l2_reg, wd, regularizer": "weight_decay",
        "label_smooth, smoothing": "label_smoothing",
        "loss, loss_fn, criterion, objective": FROM_LOGITS,
        "metrics": instead(
            "leave it out; loss, top-1 and top-5 accuracy are measured, and 'early_stopping.monitor' and "
            "'search.objective' choose among them"
        ),
        "callbacks, hooks": instead("there are none in a spec; from Python, use the model that builder.build makes"),
        "num_workers, workers": instead(
            "leave it out; pictures are read on all cores, and the option --workers starts several processes"
        ),
        "shuffle": instead("leave it out; training pictures are always shuffled, by 'seed'"),
        "drop_last, drop_remainder": instead("leave it out; a last batch that is not full is dropped"),
        "validation_split, val_split, test_size, val_ratio": "train.data.folder.validation",
        "train_dir, train_data, train_split, data_dir, dataset, datasets, data_path, root": "data",
        "validation_data, val_data, val_dir": Answer("data", "a source has its training and validation splits"),
        "num_classes, n_classes, nc, classes": LAST_LAYER,
        "pretrained, weights, checkpoint, ckpt, load_from, finetune, fine_tune": "init_from",
        "resume, resume_from": instead("it is an option of the command train: --resume"),
        "output_dir, save_dir, log_dir, work_dir, run_dir, project": instead(
            "it is an option of the command train: --run-dir"
        ),
        "tensorboard, wandb, logger, mlflow": instead(
            "leave it out; every training writes TensorBoard's files, to the folder tensorboard of its run"
        ),
        "freeze, frozen, requires_grad, freeze_layers, unfreeze": "trainable",
        "layer_decay, param_groups, lr_mult, paramwise_cfg": "learning_rate_multipliers",
        "strategy, gpus, gpu, devices, device, num_gpus, accelerator, ddp": "distribute",
        "sync_bn, sync_batchnorm, sync_batch_norm": "synchronized_batch_norm",
        "mixup_alpha, mixup": "augment: [mixup]",
        "hflip, flip, horizontal_flip, random_flip, random_horizontal_flip, fliplr": "augment: [horizontal_flip]",
        "vflip, vertical_flip, random_vertical_flip, flipud": "augment: [vertical_flip]",
        "color_jitter, jitter": "augment: [color_jitter]",
        "grayscale": "augment: [grayscale]",
        "blur, gaussian_blur": "augment: [blur]",
        "rotation, rotate, random_rotation, degrees": "augment: [{rotation: 15}]",
        "crop, random_crop": "augment: [{random_crop: {pad: 4}}]",
        "random_resized_crop, rrc": "augment: [random_resized_crop]",
        "rand_augment, aa, auto_augment": "augment: [rand_augment]",
        "reprob, random_erasing, erasing, cutout": "augment: [random_erasing]",
        "class_weights, weights_of_classes": "class_weight",
        "weighted_sampler, balanced, oversample, oversampling": "sampler",
        "cutmix_alpha, cutmix": "augment: [cutmix]",
        "augmentation, augmentations, transforms, transform, aug, data_augmentation": "augment",
        "image_size, img_size, imgsz, input_size": "model.input",
        "early_stop": "early_stopping",
        "save_freq, checkpoint, save_every, save_period, save_top_k": "checkpoints",
        "jit_compile, compile, jit": "xla",
        "determinism, benchmark": "deterministic",
        "cache_data, cache_images": "cache",
        "dropout, drop_rate": instead("dropout is a layer; put 'dropout: 0.5' into model.layers"),
    },
    "sgd, adam, adamw, rmsprop, lion, lamb, muon": {
        "lr, learning_rate, rate": RATE,
        "eps": "epsilon",
        "betas": "beta_1 and beta_2",
        "weight_decay, wd, l2": "decay",
        "alpha": "rho",
        "clipnorm, clip_norm": "train.clip_norm",
        "use_ema": "train.ema",
    },
    "sgd, adam, rmsprop": {"weight_decay, decay, wd, l2": PENALTY},
    "constant, step, plateau, cosine, polynomial, one_cycle": {
        "lr, rate, learning_rate, initial, initial_lr, initial_learning_rate, max_lr, base_lr, start, value": "base",
        "warmup_epochs, warmup_steps": Answer("warmup", "it is in epochs"),
        "warmup_lr": "warmup_rate",
        "eta_min, end_learning_rate, end, lrf, last": "final",
        "min_lr, end_lr": "final",
        "t_max, decay_steps, total_steps, epochs, max_epochs, total_iters": instead(
            "leave it out; the schedule ends with the last epoch, 'train.epochs'"
        ),
    },
    "step": {
        "milestones, boundaries, epochs, steps, decay_epochs, gamma, factor, step_size, values, decay_rate": Answer(
            "drop", "it gives the rate from each epoch on, such as drop: {30: 0.01, 60: 0.001}"
        ),
    },
    "plateau": {
        "min_lr, min": "minimum",
        "gamma": "factor",
        "mode": instead("leave it out; losses fall and accuracies rise"),
        "cooldown": instead("leave it out; there is no pause after a drop"),
        "threshold": "min_delta",
        "metric": "monitor",
    },
    "one_cycle": {
        "pct_start": "rise",
        "div_factor": "start_divisor",
        "final_div_factor": Answer("end_divisor", "it divides 'base', PyTorch's divides the first rate"),
    },
    "early_stopping, checkpoints": {
        "metric": "monitor",
        "save_freq, every, frequency, interval": "steps or minutes",
        "max_to_keep, save_top_k, save_total_limit": "keep",
        "monitor": "best",
        "restore_best_weights": instead("leave it out; the best model is saved in any case"),
        "mode": instead("leave it out; losses fall and accuracies rise"),
    },
    "weight_decay": {"l2, value, rate, decay": "factor", "bias": "biases", "bn, norm": "norms"},
    "init_from": {"path, file, checkpoint, ckpt, name": "weights", "prefix, prefixes": "layers"},
    "mirrored": {"gpus, devices, num_gpus, n": "replicas"},
    "folder": {
        "directory, dir, root, data_dir, dataset, location, name": "path",
        "validation_split, val_split, split, val, test_size": "validation",
        "image_size, size, target_size": "model.input",
        "classes, class_names": instead("leave it out; the names of the sub-folders are the classes"),
    },
    "npz": {"file, filename, name": "path", "validation_split, val_split, split": "validation"},
    "tfds": {
        "dataset, id, path": "name",
        "split, splits": "train and validation",
        "training": "train",
        "val, test, validation_split": "validation",
        "dir, directory, root": "data_dir",
    },
    "horizontal_flip, vertical_flip, blur, grayscale, random_erasing, mixup, cutmix": {"p, prob": "probability"},
    "rotation, affine": {"angle, max_angle, rotate, rotation": "degrees"},
    "random_crop": {
        "padding, pad_size": "pad",
        "size, height, width": instead("leave it out; the crop has the size of the picture"),
    },
    "random_resized_crop, random_erasing": {"scale": "area", "aspect, aspect_ratio": "ratio"},
    "random_resized_crop, resized_crop, scale_jitter": {
        "crop, crop_size": instead("leave it out; crops have the network's size, 'model.input'"),
        "size, resize": "side",
        "min": "least",
        "max": "most",
    },
    "rand_augment": {"n, num_ops, ops": "layers", "m": "magnitude"},
    "mixup, cutmix": {"beta": "alpha"},
}

KINDS: Table = {
    "optimizer": {
        "momentum, nesterov, sgd_momentum, sgdm": "sgd",
        "adagrad, adadelta, nadam, adamax, radam, ftrl, adafactor, lbfgs": instead(
            "there is no such optimizer; adam and adamw are the nearest"
        ),
    },
    "schedule": {
        "reduce_lr_on_plateau, reduce_on_plateau": "plateau",
        "multi_step_lr, multistep, step_lr, piecewise, piecewise_constant, piecewise_constant_decay": "step",
        "cosine_annealing_lr, cosine_annealing, cosine_decay, cosine_lr": "cosine",
        "one_cycle_lr": "one_cycle",
        "poly, linear, polynomial_decay, linear_lr": "polynomial",
        "fixed, none": "constant",
        "exponential, exponential_decay, exponential_lr, exp, inverse_time_decay": instead(
            "there is none; 'step' can have the same rates epoch by epoch, and 'cosine' falls as smoothly"
        ),
        "warmup, linear_warmup": instead("every schedule has the field 'warmup', such as warmup: 5"),
        "warm_restarts, sgdr, cosine_annealing_warm_restarts, cyclic_lr": instead(
            "there are no restarts; 'cosine' falls once, and 'one_cycle' rises and falls"
        ),
    },
    "augmentation": {
        "hflip, flip, random_flip, random_horizontal_flip, fliplr, flip_lr, mirror": "horizontal_flip",
        "crop, pad_crop": "random_crop",
        "rrc, inception_crop": "random_resized_crop",
        "cutout, erasing, random_erase, reprob": "random_erasing",
        "vflip, flipud, flip_ud, random_vertical_flip": "vertical_flip",
        "rotate, random_rotation, random_rotate": "rotation",
        "random_affine, scale, random_scale, shear, translate, random_translation, random_zoom, zoom": "affine",
        "gaussian_blur, random_blur": "blur",
        "greyscale, random_grayscale, to_gray, gray, grey": "grayscale",
        "trivial_augment_wide": "trivial_augment",
        "brightness, contrast, saturation, hue, hsv, random_brightness, random_contrast": "color_jitter",
        "pca, lighting, alexnet_color": "pca_color",
        "autoaugment, auto_augment": "rand_augment",
        "normalize, normalization, rescale, rescaling, to_tensor, standardize": instead(
            "leave it out; pictures are normalised in any case"
        ),
        "resize, center_crop, centre_crop": Answer("resized_crop", "validation pictures are resized in any case"),
        "none, off, no, false": instead("leave 'augment' out, or write [], where there is none"),
        "random_order, random_apply, random_choice, one_of": instead(
            "there is none; augmentations follow the order of the list, many with a 'probability'"
        ),
        "mosaic, copy_paste, multi_scale": instead("there is none; 'mixup' and 'cutmix' mix pictures"),
    },
    "data source": {
        "cifar10": "tfds: cifar10",
        "cifar100": "tfds: cifar100",
        "mnist": "tfds: mnist",
        "fashion_mnist": "tfds: fashion_mnist",
        "imagenet, imagenet2012, imagenet1k, ilsvrc2012": "tfds: imagenet2012",
        "svhn": "tfds: svhn_cropped",
        "imagenette": "tfds: {name: imagenette, validation: validation}",
        "stl10": "tfds: stl10",
        "food101": "tfds: {name: food101, validation: validation}",
        "flowers, tf_flowers": "tfds: {name: tf_flowers, train: 'train[:80%]', validation: 'train[80%:]'}",
        "tiny_imagenet, tiny_imagenet200": Answer("folder: {path: FOLDER}", "TFDS does not have it"),
        "kmnist": "tfds: kmnist",
        "emnist": "tfds: emnist",
        "caltech101": "tfds: caltech101",
        "eurosat": "tfds: {name: eurosat, train: 'train[:80%]', validation: 'train[80%:]'}",
        "flowers102, oxford_flowers102": "tfds: oxford_flowers102",
        "pets, oxford_pets, oxford_iiit_pet": "tfds: oxford_iiit_pet",
        "path, directory, dir, root, data_dir, data_path, dataset, train_dir, image_folder, images": (
            "folder: {path: FOLDER}"
        ),
        "numpy, arrays, array, np, npy": "npz: {path: FILE}",
        "tensorflow_datasets, tf_datasets": "tfds: {name: NAME}",
    },
    "strategy": {
        "ddp, dp, data_parallel, mirrored_strategy, gpu, gpus": "mirrored",
        "multi_worker_mirrored, multi_worker_mirrored_strategy, slurm, horovod": "multi_worker",
        "model_parallel, tensor_parallel, mp, tp": "towers",
        "none, cpu, single": "off",
    },
}

VALUES: Table = {
    "precision": {
        "fp16, float16, half, 16, 16-mixed": "mixed_float16",
        "bf16, bfloat16, bf16-mixed": "mixed_bfloat16",
        "fp32, 32, 32-true, float, single, full, false": "float32",
        "tf32, bf32, tensorfloat32, fast, high": "float32_fast",
        "true, amp, mixed": "mixed_float16 or mixed_bfloat16",
        "fp64, float64, double, 64": instead("a network has float32 weights and at most float32 activations"),
    },
    "monitor, best, name": {
        "acc, top1, acc1": "accuracy",
        "val_acc, val_top1, val_acc1, acc_val": "val_accuracy",
        "top5, acc5": "top5_accuracy",
        "val_top5, val_acc5": "val_top5_accuracy",
        "validation_loss, valid_loss, test_loss": "val_loss",
    },
    "normalisation": {"imagenet, imagenet1k, torch": "torchvision", "tf": "inception"},
    "resize": {"squash, squish, warp": "stretch", "letterbox": "pad", "center_crop, centre_crop": "crop"},
    "sampler": {
        "true, weighted, weighted_random, weighted_random_sampler, class_balanced, oversample": "balanced",
        "false, random, shuffle, default": "shuffled",
    },
    "xla": {"true": "on", "false": "off"},
    "cache": {"true, memory, ram": "auto", "false, none": "off"},
    "on_corrupt": {"ignore, drop, warn": "skip", "raise, fail": "error"},
}
