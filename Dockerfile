# One image for every role:   docker run comfygate gateway | worker | simulator | config
FROM node:24-slim AS base
WORKDIR /app

# Optional packages are needed here: the compiler comes as one.
FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY . .
RUN npm run build

# Of the optional packages, sharp's for this platform is needed; a Node is there already.
FROM base AS packages
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM base
ENV NODE_ENV=production DATA_DIR=/data ADMIN_PORT=9464
# Where artifacts are kept unless S3_ENDPOINT is set. A volume mounted here takes over its owner.
RUN mkdir -m 0700 /data && chown node:node /data
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist .
USER node
EXPOSE 4000
# Gateway and worker both answer on their private port. Whether they live, not whether they are ready: what they wait for is
# elsewhere, and starting them again does not bring it back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
  CMD ["node", "src/cli/main.js", "health", "--live"]
# PID 1 has no default action for signals: the process handles them itself, and reaps none since it starts no child here.
ENTRYPOINT ["node", "--enable-source-maps", "src/cli/main.js"]
CMD ["gateway"]
