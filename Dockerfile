# One image for every service; the command chooses which (see docker-compose.yml).
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_LINK_MODE=copy UV_SYSTEM_CERTS=true
WORKDIR /build
COPY locks/uv.txt locks/base.txt locks/
RUN python -m venv /opt/tools \
    && /opt/tools/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/uv.txt \
    && python -m venv --without-pip /opt/venv \
    && /opt/tools/bin/uv pip install -q --python /opt/venv/bin/python --require-hashes -r locks/base.txt

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Carrywell" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 carrywell \
    && useradd --system --uid 10001 --gid carrywell --home-dir /var/lib/carrywell --shell /usr/sbin/nologin carrywell \
    && install -d -o carrywell -g carrywell -m 0750 /var/lib/carrywell
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CARRYWELL_ENV=prod \
    CARRYWELL_RUN_DIR=/var/lib/carrywell \
    CARRYWELL_BIND=0.0.0.0 \
    MLLP_HOST=0.0.0.0 \
    PORT=8000 \
    MLLP_PORT=2575
USER carrywell
# Collecting files needs settings, and production settings insist on secrets: these are made up here and forgotten.
RUN random() { python -c "import secrets; print(secrets.token_hex(40))"; } \
    && key() { python -c "import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())"; } \
    && CARRYWELL_SECRET_KEY="$(random)" CARRYWELL_FIELD_KEYS="build:$(key)" CARRYWELL_HOSTS=localhost \
       DATABASE_URL=postgresql://none@localhost/none REDIS_URL=redis://localhost/0 \
       python manage.py collectstatic --no-input -v 0
EXPOSE 8000 2575
HEALTHCHECK --interval=30s --timeout=15s --start-period=40s --retries=3 \
    CMD ["python", "-m", "logistics.config.devstack", "healthcheck", "web"]
ENTRYPOINT ["python", "-m", "logistics.config.devstack"]
CMD ["service", "web"]
