export const usage = `The real servers without Docker: Kafka, Postgres, Redis; with --with also OPA, OpenFGA, Prometheus.
They listen on loopback only and keep running when the command returns.

  node infra/stack.mjs [up]          start what does not run, with the data it had (npm run stack)
  node infra/stack.mjs status        each server: up or down, pid, port, memory, since when (--json)
  eval "$(node infra/stack.mjs env)" KAFKA_BOOTSTRAP_SERVERS, POSTGRES_DSN, REDIS_URL, … for this shell
  node infra/stack.mjs stop NAME     one server, for instance kafka-2, postgres, redis
  node infra/stack.mjs kill NAME     the same without a chance to tidy up
  node infra/stack.mjs start NAME
  node infra/stack.mjs restart NAME
  node infra/stack.mjs down          stop all; --delete removes the data too
  node infra/stack.mjs prepare       only fetch and build what the cache lacks
  node infra/stack.mjs run -- npm test
                                     a stack of its own for one command, on free ports, thrown away at its end; the
                                     command finds it in SOMA_TEST_KAFKA, SOMA_TEST_POSTGRES_DSN(_2), SOMA_TEST_REDIS_URL,
                                     SOMA_TEST_OPA_URL, SOMA_TEST_OPENFGA_URL, SOMA_TEST_PROMETHEUS, SOMA_TEST_STACK

  --brokers 1|3           Kafka brokers (3: three copies of every partition, a write waits for two)
  --postgres 1|2          Postgres servers
  --with A,B              opa, openfga (built by Go once, which takes minutes), prometheus
  --ports free            free ports instead of the usual ones
  --ports NAME=PORT,…     for instance redis=6379,kafka-1.controller=9093              (SOMA_STACK_PORTS)
  --data FOLDER           data, logs and state; default .soma-stack in the checkout    (SOMA_STACK_DATA)
  --cache FOLDER          what is fetched and built; default in the user's cache       (SOMA_STACK_CACHE)
  --prometheus-config F   default infra/prometheus.yml, of which it uses what is on this machine

On a bare Debian: apt-get install default-jre-headless maven postgresql redis-server (golang-go, prometheus).`
