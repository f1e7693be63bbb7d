import { expect } from 'chai'
import { reachable } from '../../../../actors/tool/catalogue/http/reachable.ts'

const none = reachable()
const hostOf = (url: string) => new URL(url).hostname

describe('the guard of http_fetch', () => {
  const internal = {
    loopback: ['http://127.0.0.1', 'http://127.1', 'http://127.255.255.254', 'http://[::1]', 'http://0.0.0.0'],
    'loopback in other notations': [
      'http://2130706433',
      'http://0x7f000001',
      'http://0177.0.0.1',
      'http://0x7f.1',
      'http://017700000001',
      'http://①②⑦.⓪.⓪.①',
      'http://127。0。0。1',
      'http://127.0.0.1.',
      'http://0x7f.0.0.0x1',
      'http://127.0.1',
      'http://00000177.0.0.1',
      'http://%31%32%37.0.0.1',
      'http://0',
      'http://0x0',
    ],
    'private networks': ['http://10.0.0.1', 'http://172.16.0.1', 'http://192.168.1.1', 'http://100.64.0.1'],
    'link local and cloud metadata': [
      'http://169.254.169.254',
      'http://0xa9fea9fe',
      'http://2852039166',
      'http://0251.0376.0251.0376',
      'http://169.16689662',
      'http://169.254.170.2',
      'http://169.254.170.23',
      'http://169.254.1.1',
      'http://192.0.0.8',
      'http://[fd00:ec2::23]',
      'http://[fd20:ce::254]',
      'http://[fe80::a9fe:a9fe]',
      'http://100.100.100.200',
      'http://192.0.0.192',
      'http://168.63.129.16',
      'http://[fd00:ec2::254]',
      'http://[fe80::1]',
    ],
    'IPv4 within IPv6': [
      'http://[::ffff:127.0.0.1]',
      'http://[::ffff:7f00:1]',
      'http://[::127.0.0.1]',
      'http://[64:ff9b::7f00:1]',
      'http://[64:ff9b:1::a00:1]',
      'http://[2002:7f00:1::]',
      'http://[2001:0:7f00:1::]',
      'http://[::ffff:0:127.0.0.1]',
      'http://[::ffff:169.254.169.254]',
      'http://[0:0:0:0:0:ffff:a9fe:a9fe]',
      'http://[::a9fe:a9fe]',
      'http://[64:ff9b::169.254.169.254]',
      'http://[64:ff9b::a9fe:a9fe]',
      'http://[2002:a9fe:a9fe::1]',
      'http://[2001:0:a9fe:a9fe::]',
      'http://[::ffff:0:a9fe:a9fe]',
    ],
    'ranges for other uses': [
      'http://224.0.0.1',
      'http://255.255.255.255',
      'http://240.0.0.1',
      'http://198.18.0.1',
      'http://203.0.113.1',
      'http://[fc00::1]',
      'http://[ff02::1]',
      'http://[fec0::1]',
      'http://[2001:db8::1]',
      'http://[::]',
    ],
    'names of this machine and its network': [
      'http://localhost',
      'http://LOCALHOST.',
      'http://a.localhost',
      'http://metadata.google.internal',
      'http://redis',
      'http://printer.local',
      'http://router.lan',
      'http://metadata',
      'http://kubernetes.default.svc.cluster.local',
      'http://instance-data',
      'http://host.docker.internal',
      'http://localhost.localdomain',
      'http://ⓛocalhost',
    ],
  }
  for (const [what, urls] of Object.entries(internal)) {
    it(`G1, G2: refuses ${what}`, () => {
      for (const url of urls) expect(() => none.checkHost(hostOf(url)), url).to.throw('BLOCKED_ADDRESS')
    })
  }

  it('G2: refuses internal answers for public names', () => {
    for (const address of [
      '127.0.0.1',
      '::1',
      '::ffff:10.0.0.1',
      'fe80::1%eth0',
      '169.254.169.254',
      'rubbish',
      'fe80::1%1',
      'fe80::1%25eth0',
      'FE80::1%ETH0',
      '64:ff9b::a00:1',
      '2002:a00:1::',
      '::',
      '0.0.0.0',
      '::1%lo',
      '100.100.100.200',
      '127.1',
      '0x7f000001',
      '',
    ]) {
      expect(() => none.checkAddress('example.com', address), address).to.throw(/example\.com leads to/)
    }
  })

  it('reads no URL with a zone in it: the parser refuses them all', () => {
    for (const url of [
      'http://[fe80::1%25eth0]/',
      'http://[fe80::1%eth0]/',
      'http://[::1%lo]/',
      'http://127.0.0.1%00/',
    ]) {
      expect(URL.canParse(url), url).to.equal(false)
    }
  })

  it('lets public names and addresses pass', () => {
    for (const url of [
      'http://example.com',
      'https://93.184.216.34',
      'http://[2606:2800:220:1::1]',
      'http://1.1.1.1',
    ]) {
      expect(() => none.checkHost(hostOf(url)), url).to.not.throw()
    }
    expect(() => none.checkAddress('example.com', '::ffff:93.184.216.34')).to.not.throw()
  })

  it('refuses the addresses of this machine, public ones too', () => {
    const guard = reachable([], () => ['93.184.216.34'])
    expect(() => guard.checkAddress('example.com', '93.184.216.34')).to.throw('BLOCKED_ADDRESS')
    expect(() => guard.checkAddress('example.com', '93.184.216.35')).to.not.throw()
  })

  it('lets pass what an operator named: a network, an address, a name, and no neighbour of theirs', () => {
    const guard = reachable(['10.1.0.0/16', ' 127.0.0.1 ', 'wiki.corp', '*.intra.corp', 'fd00::/8', ''])
    for (const url of ['http://10.1.2.3', 'http://127.0.0.1', 'http://[::ffff:10.1.2.3]', 'http://[fd12::1]']) {
      expect(() => guard.checkHost(hostOf(url)), url).to.not.throw()
    }
    for (const url of ['http://10.2.0.1', 'http://127.0.0.2', 'http://[::1]']) {
      expect(() => guard.checkHost(hostOf(url)), url).to.throw('BLOCKED_ADDRESS')
    }
    for (const name of ['wiki.corp', 'WIKI.corp.', 'a.intra.corp']) {
      expect(() => guard.checkHost(name), name).to.not.throw()
      expect(() => guard.checkAddress(name, '192.168.0.9'), name).to.not.throw()
    }
    for (const name of ['evilwiki.corp', 'x.wiki.corp', 'intra.corp']) {
      expect(() => guard.checkHost(name), name).to.throw('BLOCKED_ADDRESS')
    }
  })

  it('refuses an exception that it cannot read', () => {
    for (const entry of ['10.0.0.0/99', 'http://wiki.corp', 'a b', '*']) {
      expect(() => reachable([entry]), entry).to.throw(/CONFIG_INVALID.*SOMA_HTTP_FETCH_ALLOW/)
    }
  })
})
