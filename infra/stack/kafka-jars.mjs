import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cached.mjs'
import { findPrograms, runToEnd } from './programs.mjs'
import { say } from './refusal.mjs'

const kafkaVersion = '4.1.0'
const slf4jVersion = '1.7.36' // the API that this Kafka is built against; without a binding it logs nothing at all

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>somaagent</groupId><artifactId>stack</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>${slf4jVersion}</version>
    </dependency>
  </dependencies>
</project>
`

/** Folder of Kafka's jars, fetched by Maven once. */
export function kafkaJars(cache) {
  return cached(join(cache, `kafka-${kafkaVersion}`), async (workshop) => {
    const { mvn } = findPrograms(['mvn', 'java'])
    say(`fetching Kafka ${kafkaVersion} (43 MB)`)
    mkdirSync(join(workshop, 'pom'))
    writeFileSync(join(workshop, 'pom', 'pom.xml'), pom)
    const libs = join(workshop, 'libs')
    const args = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${libs}`]
    await runToEnd(mvn, args, { cwd: join(workshop, 'pom') })
    return libs
  })
}
