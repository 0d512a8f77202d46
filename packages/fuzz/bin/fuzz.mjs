// npm run fuzz: bundles the fuzzer and runs it. Arguments go to it:
//   --inputs 10000000  --seed 7  --workers 2  --only "Cookie header"  --json
//   --timing (whether the check of a token takes longer the more of it is right)
import { runProgram } from '../../repo/bin/program.mjs'

await runProgram(import.meta.url)
