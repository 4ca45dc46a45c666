# syntax=docker/dockerfile:1
# The container image: the standalone binary on a base without a shell, as a user without rights.
#
#   docker build -t hubbub .
#   docker run --rm -p 5000:5000 -e SECRET_KEY=… hubbub
#
# Every setting of docs/configuration.md is an environment variable of the container.

# Not the slim one: building the allocator takes make.
FROM rust:1-bookworm AS chef
RUN cargo install cargo-chef --locked --version 0.1.78
WORKDIR /build

# The web client, in a stage of its own: the Rust stages need no Node.
FROM node:22-bookworm-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY web ./
RUN npm run build

# What there is to build, without the sources: changes only when the dependencies do.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --bin hubbub --recipe-path recipe.json

# The dependencies, in a layer of their own, then the binary.
FROM chef AS build
COPY --from=plan /build/recipe.json recipe.json
RUN cargo chef cook --release --locked --bin hubbub --recipe-path recipe.json
COPY . .
COPY --from=web /web/dist web-dist
ENV HUBBUB_WEB_DIST=/build/web-dist
RUN cargo build --release --locked --bin hubbub

# The same Debian release as the builder's, so that the C library fits. `nonroot` is user 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/target/release/hubbub /hubbub
# Users inside the container only: publish it with -p.
ENV HOST=0.0.0.0 PORT=5000
EXPOSE 5000
# Draining takes up to DRAIN_TIMEOUT (8 s), and `docker stop` kills after 10 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/hubbub", "--healthcheck"]
ENTRYPOINT ["/hubbub"]
