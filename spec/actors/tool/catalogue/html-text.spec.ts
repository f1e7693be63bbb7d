import { expect } from 'chai'
import fc from 'fast-check'
import { htmlText } from '../../../../actors/tool/catalogue/http/html-text.ts'

const never = new AbortController().signal
const read = (html: string) => htmlText(html, never)

describe('the readable text of a page', () => {
  for (const [what, html, text] of [
    ['words', 'just words', 'just words'],
    ['white space', ' <p> a \n b </p>\n\n<p>c</p> ', 'a b\n\nc'],
    ['spaces between tags', '<b>a</b> <i>b</i><u>c</u>', 'a bc'],
    ['headings and paragraphs', '<h1>A</h1><p>b</p><h3>C</h3>d', '# A\n\nb\n\n### C\n\nd'],
    ['lists', '<ul><li>a</li><li>b <ol><li>c</ol></ul>d', '- a\n- b\n\n- c\n\nd'],
    ['tables', '<table><tr><th>a<th>b</tr><tr><td>1</td><td>2</td></tr></table>', 'a | b\n1 | 2'],
    ['line breaks', 'a<br>b<br/>c', 'a\nb\nc'],
    ['code', '<pre>if (a) {\n  b\n}</pre>', 'if (a) {\n  b\n}'],
    ['characters by name', '&lt;a&gt; &amp; &eacute;&#x1F600;', '<a> & é😀'],
    ['links', '<a href="https://a.example/b">there</a>.', 'there [https://a.example/b].'],
    ['links that say where they go', '<a href="a.example/b">a.example/b</a>', 'a.example/b'],
    ['links that lead nowhere', '<a href="#top">up</a> <a href="javascript:x()">x</a> <a>y</a>', 'up x y'],
    [
      'what is not for reading',
      '<head><title>T</title><style>s</style></head><script>s</script><nav>n</nav>a',
      'T\n\na',
    ],
    ['tags left open', '<div><p>a<b>b', 'ab'],
    ['tags closed twice', 'a</p></div></script></a></pre>b', 'a\n\nb'],
    ['nothing', '<img src="x"><script>s</script>', '(no readable text)'],
  ] as const) {
    it(`shows ${what}`, async () => {
      expect(await read(html)).to.equal(text)
    })
  }

  it('keeps what it read until a page nests too deeply, and stops there', async () => {
    expect(await read(`<p>before</p>${'<div>'.repeat(100_000)}after`)).to.equal('before')
  })

  it('stops once there is more than anybody reads', async () => {
    expect((await read('<p>word</p>'.repeat(100_000))).length).to.be.within(200_000, 200_100)
  })

  it('gives others their turn, and stops when the call is given up', async () => {
    const stop = new AbortController()
    setImmediate(() => stop.abort(new Error('given up')))
    const reason = await htmlText('<i>a</i>'.repeat(100_000), stop.signal).catch((error: Error) => error.message)
    expect(reason).to.equal('given up')
  })

  it('takes anything', async () => {
    const parts = fc.constantFrom(
      '<',
      '>',
      '</',
      '<a href="',
      '"',
      '<pre>',
      '</pre>',
      '<script>',
      '<li>',
      '<td>',
      '&',
      'x',
      ' ',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(parts, fc.string()), { maxLength: 60 }), async (pieces) => {
        expect(await read(pieces.join('')))
          .to.be.a('string')
          .that.is.not.equal('')
      }),
      { numRuns: 200 },
    )
  })
})
