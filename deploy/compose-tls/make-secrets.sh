#!/bin/sh
# Makes what compose.yml takes for secrets, in ./secrets: an authority, a certificate of the principal, a token for each agent and one for the API.
#
# Needs openssl. What is there already stays, so that it can be run again. In earnest the authority's key lies elsewhere, and nobody keeps all tokens in one place.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
cd secrets

if [ ! -e ca.crt ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=hawser example authority" \
    -keyout ca.key -out ca.crt 2>/dev/null
fi
if [ ! -e principal.crt ]; then
  # The names by which it is reached: in here and, for whoever tries it, on this machine.
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=principal" \
    -addext "subjectAltName=DNS:principal,DNS:localhost,IP:127.0.0.1" -addext "basicConstraints=critical,CA:FALSE" \
    -CA ca.crt -CAkey ca.key -keyout principal.key -out principal.crt 2>/dev/null
fi
for agent in edge-1 edge-2; do
  [ -e "$agent.token" ] || openssl rand -hex 24 > "$agent.token"
  # The principal needs no token itself, only what tells one.
  printf '%s sha256:%s\n' "$agent" "$(tr -d '\n' < "$agent.token" | openssl dgst -sha256 -r | cut -d ' ' -f 1)"
done > agents
[ -e api.token ] || printf 'operator %s\n' "$(openssl rand -hex 24)" > api.token
cut -d ' ' -f 2 api.token > operator.token

# The containers run as user 1000, and a file that is mounted keeps its owner.
if [ "$(id -u)" = 0 ]; then
  chown 1000:1000 ./*
elif [ "$(id -u)" != 1000 ]; then
  echo "make-secrets.sh: you are not user 1000, whom the containers run as: sudo chown 1000:1000 secrets/*" >&2
fi
