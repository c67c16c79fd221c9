# A container with the environment of constraints.txt and the workflow. Linted with hadolint, and never built by us: no
# engine where it was written. Without .git in it, records name no commit. Images and results stay outside:
#   docker build --tag unpoison .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD/data:/unpoison/data" --volume "$PWD/results:/unpoison/results" \
#     unpoison run config/demo.yaml        (with NVIDIA's container toolkit: --gpus all)
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    LOGNAME=unpoison \
    MPLCONFIGDIR=/tmp/matplotlib

WORKDIR /unpoison

# The pins alone first: a change of the code installs nothing anew.
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY unpoison/__init__.py unpoison/__init__.py
RUN python -m pip install --no-cache-dir --constraint constraints.txt --editable '.[cluster,timm]'

COPY . .

# Whoever --user names may write here, and is not root.
RUN useradd --uid 10001 --no-create-home unpoison && mkdir -p data results .snakemake && chmod 1777 . data results .snakemake
USER 10001

ENTRYPOINT ["unpoison"]
CMD ["--help"]
