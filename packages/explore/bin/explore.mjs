// npm run explore: bundles the explorer and runs it. Arguments go to it:
//   --quick (a share of each family)  --only "2 requests, every fault"  --workers 2  --json
//   --check (only the declared limits and the seeded faults)
//   --only "3 requests, every fault" --scenario 17 --path 0,1,0 (takes the moves of a violation again)
import { runProgram } from '../../repo/bin/program.mjs'

await runProgram(import.meta.url, ['esbuild'])
