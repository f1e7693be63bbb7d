import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_LETTER_BYTES, onLetters, writeLetter } from '../../../transports/link/letters.ts'
import { eventually } from '../../support/eventually.ts'
import { settled } from '../../support/probe.ts'

/** A stream that keeps the pieces it was given apart, as a socket need not. */
const pipe = () => new PassThrough() as unknown as Socket & PassThrough

function bytesOf(letters: readonly Uint8Array[]): Buffer {
  const line = pipe()
  for (const letter of letters) writeLetter(line, Buffer.from(letter))
  return line.read() ?? Buffer.alloc(0)
}

function heard(line: Socket, most?: () => number) {
  const letters: Buffer[] = []
  let spoiled = 0
  onLetters(
    line,
    (letter) => letters.push(Buffer.from(letter)),
    () => {
      spoiled++
      line.destroy()
    },
    most,
  )
  return { letters, spoiled: () => spoiled }
}

describe('letters', () => {
  it('arrive whole and in order, wherever the bytes are cut', async () => {
    const letter = fc.uint8Array({ maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(fc.array(letter, { maxLength: 12 }), fc.array(fc.nat(9)), async (sent, cuts) => {
        const line = pipe()
        const { letters, spoiled } = heard(line)
        let bytes = bytesOf(sent)
        for (const cut of cuts) {
          if (cut > 0 && bytes.length > 0) line.write(bytes.subarray(0, cut))
          bytes = bytes.subarray(cut)
        }
        if (bytes.length > 0) line.write(bytes)
        await settled(2)
        expect(letters.map((it) => [...it])).to.deep.equal(sent.map((it) => [...it]))
        expect(spoiled()).to.equal(0)
      }),
      { numRuns: 300 },
    )
  })

  it('arrive whole when they are as large as allowed, over a real socket', async () => {
    const large = Buffer.alloc(MAX_LETTER_BYTES, 7)
    const sizes: number[] = []
    const server = createServer((socket) =>
      onLetters(
        socket,
        ({ length }) => sizes.push(length),
        () => socket.destroy(),
      ),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    for (const letter of [large, Buffer.from('small')]) writeLetter(socket, letter)
    await eventually(() => sizes.length === 2)
    expect(sizes).to.deep.equal([MAX_LETTER_BYTES, 5])
    socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  it('spoil the line when one says that it is longer than allowed, before its bytes are waited for (I9)', async () => {
    const line = pipe()
    const { letters, spoiled } = heard(line)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(MAX_LETTER_BYTES + 1)
    line.write(Buffer.concat([bytesOf([Buffer.from('good')]), length]))
    await settled(2)
    expect([letters.map(String), spoiled()]).to.deep.equal([['good'], 1])
  })

  it('are not taken from a line that the letter before has ended', async () => {
    const line = pipe()
    const letters: string[] = []
    const take = (letter: Buffer) => {
      letters.push(String(letter))
      line.destroy()
    }
    onLetters(line, take, () => {})
    line.write(bytesOf([Buffer.from('one'), Buffer.from('two')]))
    await settled(2)
    expect(letters).to.deep.equal(['one'])
  })
})
