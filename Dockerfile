# bypunkt in a container: gateway, worker and web face in one image, for amd64 and arm64 (docs/install.md).
#
# Tags are pinned to the minor version, so that building anew takes in security updates. To pin the very bytes, put
# @sha256:… behind the tag, as `docker buildx imagetools inspect python:3.13-slim-trixie` prints it.

# Everything that is installed, as wheels: none is taken whose hash is not in the lock, and none is compiled.
FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.lock ./
RUN pip wheel --require-hashes --only-binary=:all: --wheel-dir=/wheels --requirement=requirements.lock

# From here on pip knows nothing but those wheels. Of them only what bypunkt needs is installed: no demo, no tools.
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY dashboard dashboard
COPY gateway gateway
COPY services services
# hadolint ignore=DL3013
RUN pip wheel --no-deps --wheel-dir=/wheels . \
    && python -m venv --without-pip /opt/bypunkt \
    && pip --python=/opt/bypunkt/bin/python install bypunkt

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="bypunkt" \
      org.opencontainers.image.description="Event-driven backend for the digital service points of villages" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="EUPL-1.2"

# pg_dump and pg_restore for `bypunkt backup`, of the same major version as the server in docker-compose.yml; Pango and a
# font for reports as PDF.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        fonts-liberation libharfbuzz-subset0 libpangoft2-1.0-0 postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 bypunkt \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bypunkt

COPY --from=build /opt/bypunkt /opt/bypunkt
ENV PATH=/opt/bypunkt/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BYPUNKT_WEB__HOST=0.0.0.0
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/healthz', timeout=5)"]
ENTRYPOINT ["bypunkt"]
CMD ["run"]
