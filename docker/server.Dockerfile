# The Prefect server, without xtransfer: docker build -f docker/server.Dockerfile -t xtransfer-server .
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/prefect
ENV PATH=/opt/prefect/bin:$PATH
WORKDIR /source
COPY constraints.txt ./
RUN pip install --constraint constraints.txt prefect==3.8.8
# what the image contains, as a CycloneDX list with versions and licences
RUN python -m venv /opt/sbom && /opt/sbom/bin/pip install cyclonedx-bom==7.5.0 \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible -o /opt/prefect/sbom.cdx.json /opt/prefect/bin/python

FROM python:3.11.14-slim-bookworm
ENV PATH=/opt/prefect/bin:$PATH PYTHONUNBUFFERED=1 PREFECT_HOME=/data \
    PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1 PREFECT_SERVER_CORS_ALLOWED_ORIGINS=http://127.0.0.1:4200 \
    PREFECT_UI_STATIC_DIRECTORY=/data/ui PREFECT_UI_API_URL=/api
RUN useradd --no-create-home --home-dir /data --uid 10001 prefect && install -d -o prefect /data
COPY docker/with-secrets /usr/local/bin/with-secrets
COPY --from=build /opt/prefect /opt/prefect
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 4200
HEALTHCHECK --interval=10s --timeout=10s --start-period=120s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:4200/api/health', timeout=5)"]
ENTRYPOINT ["with-secrets"]
CMD ["prefect", "server", "start", "--host", "0.0.0.0", "--port", "4200"]
