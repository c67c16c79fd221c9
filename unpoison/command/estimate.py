"""`unpoison estimate`: the cost of a run."""

import time


def estimate(*config: str) -> None:
    """Estimate the jobs, core-hours, GPU-hours and gigabytes of a run of a config.

    A dry run counts the jobs, and three training steps are timed.

    Parameters
    ----------
    config
        Config files, each overriding those before it, and single keys such as `results_folder=elsewhere`.
    """
    from unpoison.runs.estimate import estimate as lines_of  # noqa: PLC0415 (not for --help)
    from unpoison.runs.estimate import jobs_left  # noqa: PLC0415
    from unpoison.runs.read import plan_of  # noqa: PLC0415

    started = time.perf_counter()
    plan = plan_of(config)
    jobs = jobs_left(config)
    from unpoison.runs.calibrate import STEPS, calibrate  # noqa: PLC0415 (torch: two seconds)

    for line in lines_of(plan, jobs, lambda training: calibrate(plan, training)):
        print(line)
    print(f"(estimated in {time.perf_counter() - started:.0f} s from {STEPS} training steps)")
