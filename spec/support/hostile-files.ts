import JSZip from 'jszip'

/** Written in two halves, so that no scanner takes this source for the test file itself. */
export const eicar = `X5O!P%@AP[4\\PZX54(P^)7CC)7}$${'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!'}$H+H*`

/** A small ZIP file that unpacks to that many zeros. */
export async function zipBomb(bytes: number, name = 'zeros.bin'): Promise<Uint8Array> {
  const zip = new JSZip()
  zip.file(name, new Uint8Array(bytes))
  return zip.generateAsync({ type: 'uint8array', compression: 'DEFLATE', compressionOptions: { level: 9 } })
}
