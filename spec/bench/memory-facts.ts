/**
 * Facts as agents remember them, for questions with known answers (memory-questions.ts). Written for this repository. Many
 * are close to each other on purpose: the same people, the same words, another meaning.
 */
const text = `
tea: Maria drinks green tea in the morning, never coffee.
jonas-coffee: Jonas starts his day with a double espresso.
maria-dog: Maria's dog is a terrier called Bello.
jonas-cat: Jonas has two cats, Minka and Moritz.
maria-birthday: Maria was born on 14 March 1987.
jonas-birthday: Jonas celebrates his birthday on the 3rd of November.
maria-allergy: Maria must not eat peanuts; they make her throat swell.
jonas-diet: Jonas has been a vegetarian since 2015.
lena-diet: Lena does not eat gluten because of coeliac disease.
lena-job: Lena works as a nurse at the children's hospital.
tom-job: Tom repairs bicycles in a shop near the station.
priya-job: Priya is the chief financial officer.
omar-job: Omar leads the data platform team.
sofia-job: Sofia resigned in June and her successor is Daniel.
daniel-role: Daniel is responsible for customer support.
maria-home: Maria moved from Hamburg to Lisbon last spring.
jonas-home: Jonas lives in a flat on the fourth floor without a lift.
lena-home: Lena rents a small house by the lake.
tom-car: Tom sold his car and goes everywhere by train.
priya-car: Priya drives an electric Volvo.
omar-languages: Omar speaks Arabic, French and a little Japanese.
sofia-languages: Sofia is learning Portuguese for her holidays.
lena-music: Lena plays the cello in an amateur orchestra.
tom-music: Tom cannot stand loud music at work.
priya-sport: Priya runs a marathon every autumn.
omar-sport: Omar hurt his knee and stopped playing football.
daniel-sport: Daniel goes swimming before breakfast.
maria-siblings: Maria has an older brother in Canada and no sisters.
jonas-children: Jonas and his wife have three daughters.
lena-children: Lena has no children.
tom-wedding: Tom got married in the summer of 2019.
priya-phone: Priya prefers to be called rather than written to.
omar-hours: Omar does not answer messages after six in the evening.
sofia-hours: Sofia works from Tuesday to Thursday only.
daniel-holiday: Daniel is on leave from 2 to 20 December.
maria-flight: Maria's flight to Oslo leaves at 07:25 from terminal 2.
jonas-flight: Jonas returns from Madrid on Friday night.
lena-seat: Lena always books a seat at the aisle.
tom-passport: Tom's passport expires in August 2027.
priya-hotel: Priya's hotel in Vienna costs 189 euros a night.
omar-visa: Omar needs a visa for India and has applied for it.
sofia-train: Sofia missed her connection in Frankfurt and lost two hours.
daniel-luggage: Daniel's suitcase was lost in Zurich and came back after a week.
wifi: The password of the guest wireless network is tulip-orange-42.
router: The router stands in the cupboard behind the stairs.
printer: The printer on the second floor takes only A4 paper.
safe: The combination of the safe is known to Priya alone.
spare-key: A spare key lies under the blue flower pot.
heating: The heating is serviced every October by Keller Ltd.
boiler: The boiler was replaced in 2021.
rent: The rent is 1,450 euros and due on the first of the month.
electricity: Electricity comes from a supplier called Green Current.
garbage: Waste paper is collected on alternate Wednesdays.
neighbour: The neighbour upstairs complains about noise after ten.
garden: The roses were planted along the south wall.
plumber: The plumber's number is 555 0147.
electrician: The electrician can be reached at 555 0199.
doctor: Doctor Weiss has her practice in Linden Street.
dentist: The dentist moved to Market Square 5.
insulin: Grandfather takes insulin twice a day.
glasses: Grandmother lost her reading glasses at the theatre.
blood-type: Tom's blood group is O negative.
vaccination: The children were vaccinated against measles in May.
sleep: Jonas has trouble falling asleep when he works late.
headache: Lena gets a migraine from red wine.
deploy-day: We never deploy on Fridays.
deploy-window: Releases go out on Tuesday between 9 and 11 in the morning.
database: Production runs Postgres 16 on three machines in Frankfurt.
staging-database: Staging uses Postgres 15 on one small machine.
backup: A backup of the database is taken every night at two.
restore: Restoring the last backup took 47 minutes in the rehearsal.
queue: Orders go through Kafka with seven days of retention.
cache: Redis holds only sessions and may be flushed at any time.
search-service: The product search is built on OpenSearch.
language-backend: The backend is written in TypeScript.
language-ml: The recommendation models are written in Python.
frontend: The web shop uses Svelte.
mobile: The mobile app is made with Flutter, and there is no plan for a native one.
repo: The source code lives in the monorepo called atlas.
ci: The pipeline takes eleven minutes, most of it browser tests.
flaky: The checkout test fails about once in fifty runs.
oncall: Whoever is on call gets the pager on Monday at noon.
incident-march: On 9 March payments were down for 26 minutes because a certificate had expired.
incident-july: In July a full disk stopped the search for an hour.
incident-owner: The postmortem of the July outage was written by Omar.
certificate: Certificates are now renewed automatically thirty days ahead.
latency: The slowest one percent of requests take 840 milliseconds.
availability: Last year the shop was reachable 99.93 percent of the time.
rate-limit: A client may send 100 requests a minute.
api-version: Version 1 of the interface will be switched off on 30 June 2027.
auth: Staff log in with a hardware key; passwords were abolished.
secrets: Credentials are kept in Vault and rotated every ninety days.
gdpr: Personal data of customers is deleted after three years without an order.
audit: The auditors come in the second week of February.
license: The library is published under the Apache licence.
cloud: We left the American cloud provider because of its price.
cloud-cost: Hosting costs 12,300 euros a month.
laptop: New colleagues get a laptop with 32 gigabytes of memory.
revenue: Revenue rose by 18 percent to 4.2 million euros.
profit: The company made a loss of 300,000 euros in its first year.
headcount: The company has 46 employees.
founders: The company was founded by two sisters in 2011.
office: The head office is in Copenhagen.
branch: A second office was opened in Porto in 2022.
investor: Nordwind Capital holds a fifth of the shares.
customer-largest: The largest customer is the supermarket chain Tellus.
customer-lost: Bright Foods cancelled its contract because deliveries were late.
customer-complaint: Helios complained that invoices arrived twice.
invoice-2041: Invoice INV-2041 over 7,980 euros is still unpaid.
invoice-2042: Invoice INV-2042 was paid on 5 May.
discount: Schools get a reduction of 15 percent.
refund: Goods can be sent back within thirty days.
warranty: The guarantee on batteries is two years.
shipping: Parcels to Norway take five working days.
carrier: We changed the carrier from Swift Post to Boreal.
warehouse: The warehouse in Malmö is closed on Sundays.
stock: There are only 14 units of the red lamp left.
bestseller: The oak table sells better than anything else.
supplier: Wood comes from a sawmill in Finland.
price-rise: Prices go up by four percent in January.
campaign: The spring campaign brought 2,100 new subscribers.
newsletter: The newsletter goes out every second Thursday.
logo: The new logo was drawn by the studio Kite.
colour: The brand's colour is a dark blue, not black.
slogan: The slogan "Made to last" was kept.
website: The website is translated into five languages.
fair: We have a stand at the furniture fair in Cologne.
board: The board meets on the last Monday of each quarter.
strategy: The aim for next year is to enter the Dutch market.
hiring: We are looking for two engineers and a designer.
interview: The interview with Amelia is on Thursday at 15:30.
salary: Junior engineers start at 52,000 euros.
training: Everybody may spend 1,500 euros a year on courses.
holidays: Employees have thirty days of paid leave.
remote: Working from home is allowed three days a week.
dress: There is no dress code.
lunch: The canteen serves fish on Fridays.
kitchen: The coffee machine on the third floor is broken.
parking: Bicycles are kept in the basement; there are no places for cars.
fire: In case of fire the meeting point is the playground.
party: The summer party takes place on a boat.
gift: For his farewell Henrik wants a fishing rod.
book: Lena recommended a novel about a lighthouse keeper.
film: Tom fell asleep during the documentary about penguins.
restaurant: The Thai place at the corner is closed on Mondays.
recipe: The bread needs eighteen hours to rise in the fridge.
wine: Priya brought a bottle of Riesling.
concert: Tickets for the concert on 8 May cost 60 euros.
museum: The museum lets children in for free.
weather: It rained on every day of the trip to Scotland.
hike: The path over the pass takes six hours and is not marked.
boat: The ferry does not sail when the wind is above nine.
volcano: Etna erupted while we were in Sicily.
paris: Paris is the place where Jonas proposed to his wife.
berlin: The conference in Berlin was cancelled.
tokyo: Omar spent a year in Tokyo as a student.
telescope: Daniel built a telescope with his father.
chess: Sofia won the chess tournament of the city.
painting: Grandmother paints birds in watercolour.
style: The user wants short answers without bullet points.
units: The user thinks in kilometres and degrees Celsius.
timezone: The user is in the time zone of Lisbon.
editor: The user writes code in Neovim with two spaces of indentation.
tests: The user wants a failing test before every fix.
commits: Commit messages are written in the imperative.
tabs: Tabs are forbidden in Python files of this project.
name: The user wants to be addressed as Captain.
`

export const facts: readonly { readonly key: string; readonly text: string }[] = text
  .trim()
  .split('\n')
  .map((line) => {
    const colon = line.indexOf(': ')
    return { key: line.slice(0, colon), text: line.slice(colon + 2) }
  })
