# Stands in for the Rust image where no registry is reached: a C compiler, and the toolchain of this
# machine, which is mounted.
FROM debian:bookworm-slim
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
ENV PATH=/usr/local/toolchain/bin:/usr/sbin:/usr/bin:/sbin:/bin CARGO_HOME=/usr/local/cargo CARGO_HTTP_CAINFO=/run/ca.crt
