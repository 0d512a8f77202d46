import { deepEqual, equal } from '../case.ts'
import { type AdapterCase, must, type Setup } from './app.ts'

const CARRYING: Setup = { options: { carry: ['cart'] } }

export const carryCases: readonly AdapterCase[] = [
  must('carry/none-by-default', 'a sign-in carries no data by default', async (app) => {
    const browser = app.browser()
    await browser.visit((session) => {
      session.data.cart = ['apple']
    })
    await browser.visit((session) => session.signIn('ada'))
    deepEqual((await browser.look()).data, {}, 'data')
  }),
  must(
    'carry/listed-keys',
    'only the listed keys are carried through a sign-in',
    async (app) => {
      const browser = app.browser()
      await browser.visit((session) => {
        session.data.cart = ['apple']
        session.data.planted = true
      })
      await browser.visit((session) => session.signIn('ada'))
      deepEqual((await browser.look()).data, { cart: ['apple'] }, 'data')
    },
    CARRYING,
  ),
  must(
    'carry/per-call',
    'signIn() can name the keys in place of the option',
    async (app) => {
      const browser = app.browser()
      await browser.visit((session) => {
        session.data.cart = ['apple']
        session.data.theme = 'dark'
      })
      await browser.visit((session) => session.signIn('ada', { carry: ['theme'] }))
      deepEqual((await browser.look()).data, { theme: 'dark' }, 'data')
    },
    CARRYING,
  ),
  must(
    'carry/not-to-another-subject',
    'nothing is carried from one subject to another',
    async (app) => {
      const browser = await app.signedIn('ada')
      await browser.visit((session) => {
        session.data.cart = ['apple']
      })
      await browser.visit((session) => session.signIn('grace'))
      const { subject, data } = await browser.look()
      equal(subject, 'grace', 'subject')
      deepEqual(data, {}, 'data')
    },
    CARRYING,
  ),
  must(
    'carry/same-subject',
    'the same subject signing in again keeps the listed keys',
    async (app) => {
      const browser = await app.signedIn('ada')
      await browser.visit((session) => {
        session.data.cart = ['apple']
        session.data.draft = 'x'
      })
      await browser.visit((session) => session.signIn('ada'))
      deepEqual((await browser.look()).data, { cart: ['apple'] }, 'data')
    },
    CARRYING,
  ),
  must(
    'carry/before-and-after',
    'changes before signIn() belong to the old session, later ones to the new',
    async (app) => {
      const browser = app.browser()
      await browser.visit((session) => {
        session.data.cart = ['apple']
      })
      await browser.visit((session) => {
        session.data.cart = ['apple', 'pear']
        session.data.draft = 'of the visitor'
        session.signIn('ada')
        session.data.greeted = true
      })
      deepEqual((await browser.look()).data, { cart: ['apple', 'pear'], greeted: true }, 'data')
    },
    CARRYING,
  ),
]
