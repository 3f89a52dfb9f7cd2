# Stands in for redis:7 where no registry is reached: Debian's, open to its network as that image is.
FROM debian:bookworm-slim
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
RUN printf '#!/bin/sh\nexec /usr/bin/redis-server --protected-mode no "$@"\n' >/usr/local/bin/redis-server \
    && chmod +x /usr/local/bin/redis-server
WORKDIR /data
VOLUME /data
CMD ["redis-server"]
