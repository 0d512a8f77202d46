// npm run soak: servers under steady load, and a million sessions through the memory store. Arguments go to it:
//   --minutes 5  --clients 24  --sessions 1000000  --json
import { runProgram } from '../../repo/bin/program.mjs'

await runProgram(import.meta.url)
