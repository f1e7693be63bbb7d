/** What a question is hard by. */
export type Kind = 'same words' | 'paraphrase' | 'synonym' | 'name' | 'number' | 'date' | 'negation' | 'distractor'

export interface Question {
  readonly kind: Kind
  readonly text: string
  /** Keys of the facts that answer it. */
  readonly answers: readonly string[]
}

const rows: Readonly<Record<Kind, string>> = {
  'same words': `
What is the password of the guest wireless network? > wifi
Where does the router stand? > router
Who is the largest customer? > customer-largest
How long can goods be sent back? > refund
When does the board meet? > board
What is the backend written in? > language-backend
When is the newsletter sent out? > newsletter
Who wrote the postmortem of the July outage? > incident-owner`,
  paraphrase: `
What does Maria like to have for breakfast to drink? > tea
Which food is dangerous for Maria? > maria-allergy
How do I get into the house if I forgot mine at home? > spare-key
When is it safe to release new software? > deploy-window deploy-day
What should I order for Jonas at the barbecue? > jonas-diet
How did the user ask to be spoken to? > name
How long would it take us to get the data back after a crash? > restore
What happens to the information of people who stopped buying? > gdpr
Where do we gather when the building burns? > fire
Does the user like long replies? > style
What should I bring as a present when Henrik leaves? > gift
Why did we have trouble with payments in spring? > incident-march`,
  synonym: `
Which physician do we see and where? > doctor
Who manages the company's money? > priya-job
What is Tom's occupation? > tom-job
How many people work for the firm? > headcount
Which pets does Jonas own? > jonas-cat
What does an apartment cost us each month? > rent
Which automobile does Priya have? > priya-car
How much do we pay beginners in software development? > salary
What is the vacation allowance? > holidays
Which musical instrument does Lena play? > lena-music
Who takes care of the clients who need help? > daniel-role
How long is the warranty for the battery? > warranty
What illness does grandfather have? > insulin
Who delivers our packages now? > carrier`,
  name: `
Who is Bello? > maria-dog
What do we know about Tellus? > customer-largest
Is Moritz a person? > jonas-cat
Who are Nordwind Capital? > investor
What did Kite make for us? > logo
What is atlas? > repo
What happened with Helios? > customer-complaint
When do we talk to Amelia? > interview`,
  number: `
Is INV-2041 paid? > invoice-2041
Is INV-2042 paid? > invoice-2042
Whose number is 555 0199? > electrician
How many red lamps are in stock? > stock
What does hosting cost per month? > cloud-cost
What percentage of the time was the shop up? > availability
How much memory do the new computers have? > laptop
What are the limits for clients of the API? > rate-limit`,
  date: `
When was Maria born? > maria-birthday
Whose birthday is in November? > jonas-birthday
When do the auditors visit us? > audit
When will the old API version be turned off? > api-version
Until when is Tom's travel document valid? > tom-passport
When is Daniel away before Christmas? > daniel-holiday
What happened on 9 March? > incident-march`,
  negation: `
On which day do we not deploy? > deploy-day
Who has no children? > lena-children
Who does not own a car any more? > tom-car
What can Tom not bear at the office? > tom-music
Where can no cars be parked? > parking
When can Omar not be reached? > omar-hours
Which place is not open on Mondays? > restaurant`,
  distractor: `
Which database version is used in production? > database
Which database version is used in staging? > staging-database
Which languages does Omar speak? > omar-languages
In which languages is our site available? > website
Who had an accident with a knee? > omar-sport
Whose flight goes to Oslo? > maria-flight
What gives Lena a headache? > headache
Where did Omar study abroad? > tokyo`,
}

export const questions: readonly Question[] = Object.entries(rows).flatMap(([kind, lines]) =>
  lines
    .trim()
    .split('\n')
    .map((line) => {
      const [text = '', answers = ''] = line.split(' > ')
      return { kind: kind as Kind, text, answers: answers.split(' ') }
    }),
)
