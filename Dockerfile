# Xiaoer, the core server: no torch, no model weights (they are fetched into /data on first start).
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/xiaoer
COPY requirements.lock ./
RUN /opt/xiaoer/bin/pip install --no-cache-dir --no-compile --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY ingestion ingestion
COPY eval eval
COPY prompts prompts
COPY shops shops
# Editable on purpose: prompts/ and shops/ are found beside the code, as in a checkout.
RUN /opt/xiaoer/bin/pip install --no-cache-dir --no-compile --no-deps --editable .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="xiaoer" \
      org.opencontainers.image.licenses="Apache-2.0"
# The engine of the embedded model is linked against it.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --home-dir /data --create-home xiaoer
COPY --from=build /opt/xiaoer /opt/xiaoer
COPY --from=build /src /src
ENV PATH=/opt/xiaoer/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_WAIT_POLICY=PASSIVE \
    XIAOER_HOME=/data \
    XIAOER_HOST=0.0.0.0 \
    XIAOER_PORT=8080
WORKDIR /src
USER 10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
ENTRYPOINT ["xiaoer"]
CMD ["serve"]
