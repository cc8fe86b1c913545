# One image for all roles:   docker run comfygate gateway | worker | simulator | config
FROM node:24-slim AS base
WORKDIR /app

# npm ci needs the package.json of each workspace. Optional packages are installed here, since the bundler has one for
# each platform.
FROM base AS build
COPY package.json package-lock.json .npmrc ./
COPY client/package.json client/
COPY studio/package.json studio/
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY . .
RUN npm run build

# sharp needs its optional package for this platform. The optional packages with Node are removed, since the image has
# Node, and the links to the workspaces, whose code is in the build.
FROM base AS packages
COPY package.json package-lock.json .npmrc ./
COPY client/package.json client/
COPY studio/package.json studio/
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node node_modules/@comfygate

FROM base
ENV NODE_ENV=production DATA_DIR=/data ADMIN_PORT=9464
# Artifacts are kept here unless S3_ENDPOINT is set. A volume that is mounted here gets the owner of this folder.
RUN mkdir -m 0700 /data && chown node:node /data
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist .
USER node
EXPOSE 4000
# Gateway and worker answer on their private port. The check asks whether the process is alive, not whether it is ready:
# when Redis or storage is down, a restart of this container would not help.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
  CMD ["node", "src/cli/main.js", "health", "--live"]
# As PID 1 the process gets no default actions for signals, so it handles SIGINT and SIGTERM itself. It needs no init to
# reap children: a gateway's own are those that convert pictures, which start none.
ENTRYPOINT ["node", "--enable-source-maps", "src/cli/main.js"]
CMD ["gateway"]
