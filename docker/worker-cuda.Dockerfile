# A worker that runs stages on NVIDIA devices; the host has driver and container toolkit. From the root of a clone:
#   docker build -f docker/worker-cuda.Dockerfile -t xtransfer-worker:cuda .
FROM python:3.11.14-slim-bookworm AS build
# for a driver too old for this CUDA: an index of wheels of this version with an older one
ARG TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/xtransfer
ENV PATH=/opt/xtransfer/bin:$PATH
WORKDIR /source
COPY constraints.txt ./
# the wheel brings its own CUDA: no image with another one is needed below it
RUN pip install --constraint constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch==2.13.0
ARG EXTRAS=postgres,s3,lora,cuda
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY xtransfer xtransfer
COPY tasks tasks
COPY flows flows
COPY deployments deployments
RUN pip install --constraint constraints.txt ".[$EXTRAS]"
# what the image contains, as a CycloneDX list with versions and licences
RUN python -m venv /opt/sbom && /opt/sbom/bin/pip install cyclonedx-bom==7.5.0 \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible -o /opt/xtransfer/sbom.cdx.json /opt/xtransfer/bin/python

FROM python:3.11.14-slim-bookworm
ENV PATH=/opt/xtransfer/bin:$PATH PYTHONUNBUFFERED=1 XTRANSFER_HOME=/data PREFECT_HOME=/data/prefect \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN useradd --no-create-home --home-dir /data --uid 10001 xtransfer && install -d -o xtransfer /data
COPY docker/with-secrets /usr/local/bin/with-secrets
COPY --from=build /opt/xtransfer /opt/xtransfer
USER 10001
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=5)"]
ENTRYPOINT ["with-secrets"]
CMD ["prefect", "worker", "start", "--pool", "machines", "--type", "process", "--limit", "1", "--with-healthcheck"]
