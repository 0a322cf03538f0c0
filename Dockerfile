# reviewbatch on a GPU, on vLLM's own image. How to build and run it: docs/operations.md
ARG VLLM=v0.25.1
FROM vllm/vllm-openai:${VLLM}
SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# What the image has stays as it is, to the version: vLLM, torch and all they need. What it lacks (polars, pyarrow) is added.
COPY . /opt/reviewbatch
RUN uv pip freeze --system | grep '==' > /tmp/kept.txt \
    && uv pip install --system --no-cache --constraint /tmp/kept.txt /opt/reviewbatch \
    && rm /tmp/kept.txt

# Any user may be given with --user: torch asks for a name, which need not be in /etc/passwd, and every cache is below /cache.
ENV HOME=/cache \
    XDG_CACHE_HOME=/cache \
    USER=reviewbatch \
    REVIEWBATCH_OUTPUT=/out
RUN useradd --uid 10001 --gid 0 --home-dir /cache --no-create-home reviewbatch \
    && mkdir /cache /out /work \
    && chmod 1777 /cache /out
VOLUME ["/cache", "/out"]
WORKDIR /work
USER 10001:0
ENTRYPOINT ["reviewbatch"]
CMD ["--help"]
