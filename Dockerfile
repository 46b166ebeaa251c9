# The two services and the command line, each an image of its own: docker build --target principal|agent|cli .
#
# What needs to be run at build time runs on the builder's own platform; the images are made of copied files alone, so that each platform's is built without
# emulation. A release names the base by its digest (scripts/release-images.mjs).

ARG BASE=node:24-bookworm-slim

FROM --platform=$BUILDPLATFORM ${BASE} AS build
WORKDIR /src
COPY . .
# Everything is built once, for all platforms; then each app is laid out alone, with what it needs to run and nothing else. The optional peers of the
# compliance suites are the test runner, which no service needs; those of the platform watchers are of use in a principal alone.
# What is laid out is linked to what is here, so a manifest becomes a new file before it is changed.
RUN set -e; CI=1 node scripts/setup.mjs; mkdir -p /state/lib /state/run; mkdir -m 0700 /state/lib/hawser /state/run/hawser; \
    without_peers() { \
      cd "packages/$1"; cp package.json new.json; mv new.json package.json; \
      npm pkg delete peerDependencies peerDependenciesMeta devDependencies; cd ../..; \
    }; \
    lay_out() { node_modules/.bin/pnpm --filter "./apps/$1" deploy --legacy --prod --no-frozen-lockfile "/out/$1/app"; }; \
    without_peers store; without_peers transport; lay_out principal; \
    without_peers platform; lay_out agent; lay_out cli
ARG TARGETPLATFORM
ARG SOURCE_DATE_EPOCH=0
RUN node scripts/lay-out-images.mjs /out --platform "$TARGETPLATFORM" --epoch "$SOURCE_DATE_EPOCH" \
 && cp deploy/init.sh /init.sh && chmod 0644 /init.sh \
 && touch --no-dereference --date "@$SOURCE_DATE_EPOCH" /state/lib/hawser /state/run/hawser /init.sh

FROM ${BASE} AS service
ENV NODE_ENV=production
# A numeric user, so that an orchestrator can see that it is not root.
# State is for its owner alone: a folder that is copied keeps its mode below the one that is named, and not as that one itself.
COPY --from=build --chown=1000:1000 /state/lib/ /var/lib/
COPY --from=build --chown=1000:1000 /state/run/ /run/
COPY --from=build /init.sh /init.sh
WORKDIR /var/lib/hawser
USER 1000:1000
VOLUME /var/lib/hawser
STOPSIGNAL SIGTERM

FROM service AS principal
LABEL org.opencontainers.image.title="hawser-principal" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/principal/sbom /usr/share/sbom
COPY --from=build /out/principal/app /app
ENV HAWSER_PRINCIPAL_DATA_DIR=/var/lib/hawser \
    HAWSER_PRINCIPAL_HEALTH_LISTEN=0.0.0.0:7482
EXPOSE 7480 7481 7482
# Alive, not ready: a principal that waits for its conditions or drains must not be restarted.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7482/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Room for what waits for the disk under load: V8 would copy it twice otherwise (apps/principal/README.md).
ENTRYPOINT ["/bin/sh", "/init.sh", "node", "--max-semi-space-size=64", "/app/bin/hawser-principal.js"]

FROM service AS agent
LABEL org.opencontainers.image.title="hawser-agent" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/agent/sbom /usr/share/sbom
COPY --from=build /out/agent/app /app
ENV HAWSER_AGENT_DATA_DIR=/var/lib/hawser \
    HAWSER_AGENT_READY_FILE=/run/hawser/ready.json
# Its state is open and held resources are taken up; whether the principal is there is told by the principal.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "process.kill(JSON.parse(require('node:fs').readFileSync('/run/hawser/ready.json', 'utf8')).pid, 0)"]
ENTRYPOINT ["/bin/sh", "/init.sh", "node", "/app/bin/hawser-agent.js"]

FROM ${BASE} AS cli
LABEL org.opencontainers.image.title="hawser" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/cli/sbom /usr/share/sbom
COPY --from=build /out/cli/app /app
USER 1000:1000
ENTRYPOINT ["node", "/app/bin/hawser.js"]
