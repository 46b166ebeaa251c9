# The two services and the command line, each an image of its own: docker build --target principal|agent|cli .

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY . .
# Everything is built once; then each app is laid out alone, with what it needs to run and nothing else: the optional peers of the compliance suites are
# the test runner, which no service needs.
RUN CI=1 node scripts/setup.mjs \
 && for package in store transport; do \
      (cd "packages/$package" && npm pkg delete peerDependencies peerDependenciesMeta) || exit 1; \
    done \
 && for app in principal agent cli; do \
      node_modules/.bin/pnpm --filter "./apps/$app" deploy --legacy --prod --no-frozen-lockfile "/out/$app" || exit 1; \
    done \
 && find /out \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '.tsbuildinfo' -o -name '*.md' \) -type f -delete \
 && node scripts/prune-prebuilds.mjs /out

FROM node:24-bookworm-slim AS service
ENV NODE_ENV=production
# A numeric user, so that an orchestrator can see that it is not root.
RUN mkdir -p /var/lib/hawser /run/hawser && chown 1000:1000 /var/lib/hawser /run/hawser
WORKDIR /var/lib/hawser
USER 1000:1000
VOLUME /var/lib/hawser
STOPSIGNAL SIGTERM

FROM service AS principal
LABEL org.opencontainers.image.title="hawser-principal" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/principal /app
ENV HAWSER_PRINCIPAL_DATA_DIR=/var/lib/hawser
EXPOSE 7480 7481
# Alive, not ready: a principal that waits for its conditions or drains must not be restarted.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7481/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/hawser-principal.js"]

FROM service AS agent
LABEL org.opencontainers.image.title="hawser-agent" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/agent /app
ENV HAWSER_AGENT_DATA_DIR=/var/lib/hawser \
    HAWSER_AGENT_READY_FILE=/run/hawser/ready.json
# Its state is open and held resources are taken up; whether the principal is there is told by the principal.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "process.kill(JSON.parse(require('node:fs').readFileSync('/run/hawser/ready.json', 'utf8')).pid, 0)"]
ENTRYPOINT ["node", "/app/bin/hawser-agent.js"]

FROM node:24-bookworm-slim AS cli
LABEL org.opencontainers.image.title="hawser" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/cli /app
USER 1000:1000
ENTRYPOINT ["node", "/app/bin/hawser.js"]
