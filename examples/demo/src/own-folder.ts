import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'

/** The folder that was asked for, or one of this user below the system's temporary folder; made if it is not there. */
export function ownFolder(wanted: string | undefined): string {
  const { uid, username } = userInfo()
  const folder = path.resolve(wanted ?? path.join(tmpdir(), `sess-demo-${uid === -1 ? username : uid}`))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (wanted !== undefined || process.platform === 'win32') return folder
  // Anybody may have put something by that name among the temporary files, and a key is to go into it.
  const found = lstatSync(folder)
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder
  throw new Error(`${folder} is open to others. Remove it, or choose another: npm run demo -- --data <folder>`)
}

/** The key in a file that only this user can read; made the first time. */
export function ownKey(file: string): string {
  try {
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(file, 'utf8')
}
