import { expect } from 'chai'
import { givenKafkajs, givenRequests } from '../../support/held-requests.ts'
import { settled } from '../../support/probe.ts'

const at = (partition: number, baseOffset: number) => ({ topicName: 't', partition, baseOffset: `${baseOffset}` })

describe('a record that no broker confirms', () => {
  it('is sent again, in its order, before it lets anything follow (W1, W3)', async () => {
    const { write, next, requests, outcomes } = givenRequests()
    const written = [0, 1, 1, 0].map((partition, n) => write(`${n}`, { partition }))
    ;(await next()).answer(at(0, 7))
    const again = await next()
    const later = write('later', { partition: 1 })
    await settled()
    expect(requests, 'nothing beside it').to.deep.equal([])
    expect(again.names, 'and of partition 0 nothing').to.deep.equal(['1', '2'])
    again.answer(at(1, 30))
    expect(await Promise.all(written)).to.deep.equal([7, 30, 31, 8])
    ;(await next()).answer(at(1, 32))
    expect(await later).to.equal(32)
    expect(outcomes).to.deep.equal(['4 ok', '1 ok'])
  })

  it('a success that confirms nothing is a failure (W3)', async () => {
    const { write, next } = givenRequests()
    const failure = write('a').catch((error) => error)
    ;(await next()).answer()
    expect(await failure).to.include({ code: 'MAILBOX_UNAVAILABLE' })
  })

  it('kafkajs reports success for records that it has sent to nobody, which is why (W3)', async () => {
    const { createSend, moved, sentTo } = givenKafkajs()
    const answered = await createSend()
    expect(sentTo, 'broker 2 was gone, and its partition moved to broker 1').to.deep.equal(['1: 0', '2: 1'])
    expect(moved()).to.equal(true)
    expect(
      answered.map(({ partition }) => partition),
      'no word of partition 1',
    ).to.deep.equal([0])
  })
})
