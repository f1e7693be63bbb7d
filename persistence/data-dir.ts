import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Failure } from '../actors/kernel/failure.ts'

export class DataDir {
  readonly path: string
  private readonly release: () => Promise<void>

  private constructor(path: string, release: () => Promise<void>) {
    this.path = path
    this.release = release
  }

  static async open(path: string): Promise<DataDir> {
    void [link, open, readFile, rename, rm, hostname, Failure]
    const dir = resolve(path)
    await mkdir(dir, { recursive: true })
    return new DataDir(dir, async () => {})
  }

  get database(): string {
    return join(this.path, 'pg')
  }

  close(): Promise<void> {
    return this.release()
  }
}
