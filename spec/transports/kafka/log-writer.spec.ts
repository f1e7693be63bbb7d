import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import type { ConfigResourceTypes } from 'kafkajs'
import type { Failure } from '../../../actors/kernel/failure.ts'
import type { LogWriter, WrittenRecord } from '../../../transports/kafka/log-writer.ts'
import { inbound, toolResults } from '../../../transports/kafka/topics.ts'
import { eventually } from '../../support/eventually.ts'
import { givenRequests } from '../../support/held-requests.ts'
import { KafkaUnderTest } from '../../support/kafka-under-test.ts'
import { Gate, settled } from '../../support/probe.ts'
import { describeWith } from '../../support/test-services.ts'

const at = (partition: number, baseOffset: number, topicName = 't') => ({
  topicName,
  partition,
  baseOffset: `${baseOffset}`,
})

const refusal = (type: string) => Object.assign(new Error(`the broker says ${type}`), { type })

const failureOf = (promise: Promise<unknown>): Promise<Failure> =>
  promise.then(
    (value) => expect.fail(`it was written: ${value}`),
    (error) => error as Failure,
  )

/** kafkajs declares the names of these numbers, but its module does not export them to ours. */
const TOPIC: ConfigResourceTypes.TOPIC = 2

const megabytes = (n: number) => Buffer.alloc(n * 1024 * 1024)

describe('log writer', () => {
  it('sends nothing beside a request that is slow, and then what gathered, in the order of write (W1)', async () => {
    const { write, next, requests } = givenRequests()
    const first = write('a')
    const slow = await next()
    const others = ['b', 'c', 'd'].map((name) => write(name))
    await settled()
    expect(requests, 'while the first is on its way').to.deep.equal([])
    slow.answer(at(0, 7))
    expect(await first).to.equal(7)
    const second = await next()
    expect(second.names).to.deep.equal(['b', 'c', 'd'])
    second.answer(at(0, 8))
    expect(await Promise.all(others)).to.deep.equal([8, 9, 10])
  })

  it('lets nothing overtake a request that fails: its writers hear of it, and the next goes after it (W1, W2)', async () => {
    const { write, next, requests, outcomes } = givenRequests()
    const lost = ['a', 'b'].map((name) => failureOf(write(name)))
    const failing = await next()
    const later = write('c')
    await settled()
    expect(requests).to.deep.equal([])
    failing.fail(new Error('connection refused'))
    for (const failure of await Promise.all(lost)) {
      expect(failure).to.include({ code: 'MAILBOX_UNAVAILABLE', retryAfter: 1 })
    }
    const following = await next()
    expect(following.names, 'not sent again by itself').to.deep.equal(['c'])
    following.answer(at(0, 3))
    expect(await later).to.equal(3)
    expect(outcomes).to.deep.equal(['2 error', '1 ok'])
  })

  it('has one request in flight and the order of write, whatever is written when and however requests end (W1)', async () => {
    const step = fc.constantFrom('write', 'answer', 'fail', 'settle')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { write, requests, writer } = givenRequests()
        const [sent, written]: [string[], string[]] = [[], []]
        const end = (how: 'answer' | 'fail') => {
          expect(requests.length).to.be.at.most(1)
          const request = requests.shift()
          if (request === undefined) return
          sent.push(...request.names)
          if (how === 'answer') request.answer(at(0, 0))
          else request.fail(new Error('away'))
        }
        for (const one of steps) {
          if (one === 'settle') await settled(2)
          else if (one !== 'write') end(one)
          else {
            written.push(`${written.length}`)
            void write(written.at(-1) as string)
          }
        }
        while (sent.length < written.length) {
          await settled(2)
          end('answer')
        }
        await writer.idle()
        expect(sent).to.deep.equal(written)
      }),
      { numRuns: 100 },
    )
  })

  it('tells each record its own offset, by topic and partition, in whatever order the brokers answer', async () => {
    const { write, next } = givenRequests()
    const places = [
      ['t', 0],
      ['u', 0],
      ['t', 1],
      ['t', 0],
      ['u', 0],
      ['t', 0],
    ] as const
    const written = places.map(([topic, partition], n) => write(`${n}`, { topic, partition }))
    ;(await next()).answer(at(1, 900), at(0, 50, 'u'), at(0, 4))
    expect(await Promise.all(written)).to.deep.equal([4, 50, 900, 5, 51, 6])
  })

  it('refuses alone the record that the brokers find too large; its neighbours are stored, in order', async () => {
    const { write, next } = givenRequests()
    const written = ['a', 'b', 'huge', 'c', 'd'].map((name) => write(name))
    const refused = failureOf(written[2] as Promise<number>)
    const stored: string[] = []
    for (let done = false; !done; ) {
      const request = await next()
      if (request.names.includes('huge')) request.fail(refusal('MESSAGE_TOO_LARGE'))
      else {
        request.answer(at(0, stored.length))
        stored.push(...request.names)
      }
      done = stored.length === 4
    }
    expect(stored).to.deep.equal(['a', 'b', 'c', 'd'])
    expect((await refused).code).to.equal('PAYLOAD_TOO_LARGE')
    expect(await Promise.all([0, 1, 3, 4].map((n) => written[n]))).to.deep.equal([0, 1, 2, 3])
  })

  it('does not take an outage for the fault of a record: nothing is sent again, all hear MAILBOX_UNAVAILABLE', async () => {
    const { write, next, requests } = givenRequests()
    const lost = ['a', 'b', 'c'].map((name) => failureOf(write(name)))
    ;(await next()).fail(refusal('NOT_ENOUGH_REPLICAS'))
    const codes = (await Promise.all(lost)).map(({ code }) => code)
    await settled()
    expect([codes, requests]).to.deep.equal([Array(3).fill('MAILBOX_UNAVAILABLE'), []])
  })

  it('puts at most 8 MB into a request, and a record of 8 MB into one of its own (I9)', async () => {
    const { write, next } = givenRequests()
    const sizes = [3, 3, 3, 8, 1, 7, 1]
    for (const [n, size] of sizes.entries()) void write(`${n}`, { value: megabytes(size) })
    const requests: (readonly string[])[] = []
    while (requests.flat().length < sizes.length) {
      const request = await next()
      requests.push(request.names)
      request.answer(at(0, 0))
    }
    expect(requests).to.deep.equal([['0', '1'], ['2'], ['3'], ['4', '5'], ['6']])
  })

  it('refuses a record of more than 8 MB before it is sent', async () => {
    const { write, requests } = givenRequests()
    const value = Buffer.concat([megabytes(8), Buffer.from('!')])
    expect((await failureOf(write('a', { value }))).code).to.equal('PAYLOAD_TOO_LARGE')
    await settled()
    expect(requests).to.deep.equal([])
  })

  it('gathers while it lingers, at the first request and after each', async () => {
    const gates: Gate[] = []
    const linger = () => {
      const gate = new Gate()
      gates.push(gate)
      return gate.opened
    }
    const { write, next, requests } = givenRequests({ linger })
    void write('a')
    await settled()
    void write('b')
    await settled()
    expect(requests).to.deep.equal([])
    gates[0]?.open()
    const first = await next()
    expect(first.names).to.deep.equal(['a', 'b'])
    void write('c')
    first.answer(at(0, 0))
    await settled()
    void write('d')
    await settled()
    expect(requests).to.deep.equal([])
    gates[1]?.open()
    expect((await next()).names).to.deep.equal(['c', 'd'])
  })

  it('waits for all in-sync copies where records must survive, and for the leader alone where they need not (I1)', async () => {
    for (const [acks, asked] of [
      ['all', -1],
      ['leader', 1],
    ] as const) {
      const { write, next } = givenRequests({ acks })
      void write('a')
      expect((await next()).batch.acks).to.equal(asked)
    }
  })

  describeWith('kafka', 'on real brokers', (brokers) => {
    const kafka = new KafkaUnderTest(brokers)
    let writer: LogWriter
    before(async function () {
      this.timeout(60_000)
      await kafka.open()
      writer = kafka.writer()
    })
    after(() => kafka.close())

    const record = (partition: number, value: Buffer, topic = inbound): WrittenRecord => ({
      topic: kafka.prefix + topic.name,
      partition,
      key: null,
      value,
    })

    /** What the log holds of this partition, by offset. */
    async function stored(partition: number, count: number, topic = inbound): Promise<Map<number, string>> {
      const reader = await kafka.reader()
      const found = new Map<number, string>()
      reader.read({
        topic: kafka.prefix + topic.name,
        partition,
        from: 0,
        wants: () => true,
        take: (records) => {
          for (const { offset, value } of records) found.set(offset, String(value?.subarray(0, 20)))
        },
      })
      await eventually(() => found.size >= count)
      await reader.close()
      return found
    }

    it('tells each record the offset at which it is read', async () => {
      const places = Array.from({ length: 60 }, (_, n) => ({ partition: n % 3, topic: n % 2 ? inbound : toolResults }))
      const offsets = await Promise.all(
        places.map(({ partition, topic }, n) => writer.write(record(partition, Buffer.from(`${n}`), topic))),
      )
      for (const topic of [inbound, toolResults]) {
        for (const partition of [0, 1, 2]) {
          const mine = offsets.flatMap((offset, n) => {
            const place = places[n]
            return place?.partition === partition && place.topic === topic ? [[offset, `${n}`] as const] : []
          })
          // A batch whose answer came too late was sent again, and lies there twice: told is where it lies the last time.
          const found = await stored(partition, Math.max(...mine.map(([offset]) => offset)) + 1, topic)
          expect(mine.map(([offset]) => [offset, found.get(offset)])).to.deep.equal(mine)
        }
      }
    })

    it('refuses alone the record that the brokers find too large; its neighbours are stored', async function () {
      this.timeout(30_000)
      await kafka.administer((admin) =>
        admin.alterConfigs({
          validateOnly: false,
          resources: [
            {
              type: TOPIC,
              name: kafka.prefix + inbound.name,
              configEntries: [{ name: 'max.message.bytes', value: '50000' }],
            },
          ],
        }),
      )
      const tooLarge = () => writer.write(record(9, randomBytes(60_000))).then(String, ({ code }: Failure) => code)
      await eventually(async () => (await tooLarge()) === 'PAYLOAD_TOO_LARGE')
      const values = ['a', 'b', randomBytes(60_000), 'c'].map((it) => Buffer.from(it))
      const written = await Promise.allSettled(values.map((value) => writer.write(record(10, value))))
      const codes = written.map((it) => (it.status === 'fulfilled' ? 'stored' : (it.reason as Failure).code))
      expect(codes).to.deep.equal(['stored', 'stored', 'PAYLOAD_TOO_LARGE', 'stored'])
      expect([...(await stored(10, 3)).values()]).to.deep.equal(['a', 'b', 'c'])
    })
  })
})
