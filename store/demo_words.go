package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// The words of the volume demo: of a shop for office equipment, its customers and its desk. Of each list the first
// words are drawn most, as in any language.

const demoNouns = `printer order invoice delivery account screen error page toner problem message email number day team office
paper chair desk cable password driver login customer update week address department device file scanner server room part
payment network question status button setting report router keyboard monitor laptop phone battery charger adapter drum tray
cartridge label folder document picture log code version licence contract price discount quote receipt credit refund bank
card warehouse courier parcel box pallet driveway entrance reception floor building branch store supplier maker technician
manager colleague accountant director assistant secretary teacher student caretaker visitor guest patient lawyer architect
designer editor nurse doctor dentist librarian engineer developer operator owner tenant landlord cleaner guard
cabinet shelf drawer lamp bulb switch socket plug fuse wire hinge handle lock key screw bolt bracket frame panel wheel castor
armrest headrest backrest cushion lever spring piston column motor controller sensor display touchscreen stand mount arm clamp
shredder laminator binder stapler punch trimmer cutter plotter projector whiteboard marker pen pencil eraser ruler notebook
calendar planner envelope stamp tape glue sticker badge lanyard tag stand holder organiser basket bin trolley ladder
headset microphone speaker camera webcam tripod remote receiver antenna hub dock splitter extension backup drive disk memory
card processor fan filter cover lid hood roller belt gear bearing rail track nozzle head sheet roll ream stack feed
queue job task ticket thread reply answer note comment draft template signature attachment link website browser window
tab menu icon field form list table column row cell filter search result view dashboard chart graph figure total sum balance
deadline schedule appointment meeting call visit training course lesson manual guide instruction warranty repair replacement
exchange return shipment tracking consignment customs import export tariff tax fee deposit instalment reminder penalty budget
forecast inventory stock item product model series batch sample catalogue brochure colour shade pattern fabric leather wood
oak beech walnut steel aluminium glass plastic rubber foam cotton wool size height width depth weight length angle corner edge
surface scratch dent crack stain smell noise vibration leak smoke spark heat dust moisture temperature pressure voltage current
frequency signal channel connection port protocol certificate firewall gateway domain mailbox profile role permission
group user member guestbook session token secret archive database record entry index script plugin
installation configuration calibration maintenance inspection upgrade migration rollout pilot rehearsal launch outage incident
complaint apology explanation suggestion request proposal agreement approval witness evidence measurement estimate
kitchen cafeteria canteen corridor staircase lift basement attic garage courtyard garden terrace balcony roof window blind
curtain carpet tile wall ceiling door gate fence sign mirror clock thermostat radiator heater humidifier purifier kettle
dishwasher fridge freezer microwave toaster cup mug plate spoon fork knife napkin towel soap dispenser hook rack locker bench
stool sofa armchair footrest partition booth podium lectern easel banner flag poster noticeboard anniversary audit exam lecture seminar workshop conference fair exhibition opening move relocation renovation holiday season`

const demoVerbs = `need print send show work find order use check call try start stop ask help replace change receive
deliver cancel open close connect install update confirm add remove move return repair test scan load save print copy delete
reset restart press push pull lift lower turn rotate switch charge unplug plug clean wipe measure adjust calibrate align tighten
loosen mount unpack pack ship track collect store stack count label mark sign stamp fold cut trim glue staple bind laminate shred
report record note mention describe explain answer reply forward attach upload download export import filter sort search group
merge split link assign approve refuse accept reject request demand offer quote invoice refund credit pay charge deduct transfer
book schedule postpone delay extend renew expire register enrol invite join leave visit meet train teach learn watch listen
notice suspect expect hope wonder promise remind warn complain apologise thank welcome recommend suggest prefer
crash freeze hang blink flicker click rattle squeak grind jam leak smoke overheat vibrate tremble drift slip crack bend fade
smear stain scratch tear stick block clog fail recover retry resolve handle process verify compare examine inspect
configure enable disable activate deactivate allow deny restore archive rename duplicate encrypt decrypt synchronise refresh
transform migrate upgrade downgrade patch monitor measure estimate calculate round total balance reconcile audit`

const demoAdjectives = `new same old second last first next right wrong whole other black white small large broken empty full late
early slow quick loud quiet heavy light cheap expensive clean dirty loose tight hot cold wet dry bright dark red green blue yellow
grey brown orange purple pink silver golden wooden metal plastic wireless digital manual automatic electric portable adjustable
foldable stackable recycled original compatible standard special custom free urgent important correct missing damaged defective
faulty worn bent scratched cracked stained noisy silent stable shaky steady smooth rough sharp blunt thick thin wide narrow deep
shallow tall short long round square flat steep upper lower front rear left central external internal local remote public private
shared single double triple weekly monthly quarterly annual daily recent previous current future temporary permanent partial
complete final initial regular irregular frequent rare usual unusual strange odd plain simple complex complicated tricky easy
difficult impossible possible likely unlikely certain uncertain clear unclear visible invisible hidden obvious sudden gradual
constant intermittent random serious minor major critical harmless dangerous safe secure insecure valid invalid expired active
inactive pending available unavailable sold discontinued delayed cancelled duplicate separate common individual friendly patient
polite helpful useful useless reliable unreliable comfortable uncomfortable ergonomic modern classic elegant ugly beautiful
sturdy fragile flexible rigid soft hard transparent opaque glossy matte fluorescent magnetic waterproof fireproof soundproof
childproof lockable washable refillable rechargeable disposable reusable biodegradable certified licensed insured registered`

const demoAdverbs = `again now today still already yesterday tomorrow here there always never often sometimes soon later only
really actually perhaps probably certainly quickly slowly carefully twice once completely partly suddenly constantly
randomly finally recently immediately eventually usually hardly nearly exactly roughly apparently obviously unfortunately
fortunately definitely possibly sideways upwards downwards backwards overnight meanwhile elsewhere everywhere nowhere`

const demoFirst = `Anna Peter Maria Thomas Laura Michael Julia Daniel Sarah David Elena Marco Sofia Lukas Emma Paul Nina Simon
Clara Martin Eva Jan Lena Felix Hannah Oliver Marta Victor Alice Robert Irene George Helen Stefan Ines Pablo Carmen Diego Lucia
Rafael Teresa Hugo Amelie Louis Camille Antoine Chloe Mathis Margot Pierre Ingrid Lars Astrid Erik Freja Nils Sigrid Olaf Kirsten
Bjorn Agnes Tomasz Zofia Piotr Kasia Marek Ewa Jakub Hana Petr Lucie Vaclav Ilona Istvan Katalin Gabor Andrea Mihai Ioana Radu
Dimitri Katya Sergei Olga Yusuf Aylin Emre Leyla Omar Samira Karim Nadia Hassan Farah Amir Shirin Ravi Priya Arjun Meera Vikram
Anjali Wei Mei Jun Ling Hiro Yuki Kenji Aiko Minh Lan Jose Rosa Miguel Paula Kwame Ama Tunde Ngozi Chidi Zola Thabo Lindiwe Sean
Aoife Liam Niamh Ewan Isla Rhys Carys Noah Grace Ethan Zoe`

const demoLast = `Muller Smith Garcia Rossi Novak Kowalski Jensen Silva Martin Weber Brown Lopez Ferrari Svoboda Nowak Hansen Santos
Bernard Wagner Taylor Sanchez Esposito Dvorak Wisniewski Nielsen Pereira Dubois Becker Wilson Romero Bianchi Cerny Wojcik Andersen
Costa Moreau Hoffmann Davies Torres Romano Prochazka Kaminski Pedersen Oliveira Laurent Schafer Evans Ruiz Colombo Kucera
Lewandowski Christensen Rodrigues Simon Koch Thomas Ramirez Ricci Vesely Zielinski Larsen Martins Michel Bauer Johnson Flores
Marino Horak Szymanski Sorensen Sousa Lefebvre Richter Roberts Benitez Greco Nemec Wozniak Rasmussen Fernandes Leroy Klein
Walker Acosta Bruno Pokorny Dabrowski Jorgensen Goncalves Roux Wolf Wright Medina Gallo Marek Kozlowski Petersen Gomes David
Schroder Robinson Herrera Conti Pospisil Jankowski Madsen Lopes Bertrand Neumann Thompson Castro Fontana Hajek Mazur Kristensen
Marques Morel Schwarz White Ortega Caruso Jelinek Kwiatkowski Olsen Alves Fournier Braun Hughes Rubio Mancini Kral Krawczyk
Thomsen Almeida Girard Zimmermann Edwards Okafor Mensah Diallo Haddad Tanaka Sato Nguyen Tran Patel Singh Kumar Chen Wang Kim`

const demoFirms = `harbor maple north river stone bright green silver alpine baltic cedar delta ember falcon garnet hazel iris
juniper kestrel lumen meadow nimbus opal prairie quartz raven summit timber union vertex willow zenith amber birch coral dune
estuary fjord glade heron`

const demoTrades = `dental law school garage studio library clinic logistics design bakery press travel energy foods optics build
media textile marine motors pharma records garden hotel academy`

const demoTagNames = `vip billing hardware software delivery warranty refund urgent-callback spare-parts training network toner furniture
returns quote contract onboarding outage feedback duplicate-order customs public-sector school-project key-account follow-up
wrong-address damaged-in-transit late-payment newsletter lost-parcel recall firmware paper-jam colour-drift noise ergonomics
installation site-visit loyalty fraud-check`

// demoLexicon draws words: a few of them nearly always, thousands of them hardly ever.
type demoLexicon struct {
	nouns, plurals, verbs, past, gerunds, adjectives, adverbs zipf
	names, models, errors                                     zipf
}

// zipf is a list of words of which the one at rank r is drawn with a probability proportional to 1/(r+2).
type zipf struct {
	words []string
	upTo  []float64 // the sum of the probabilities up to each
}

func newZipf(words []string) zipf {
	z := zipf{words: words, upTo: make([]float64, len(words))}
	sum := 0.0
	for i := range words {
		sum += 1 / float64(i+2)
		z.upTo[i] = sum
	}
	for i := range z.upTo {
		z.upTo[i] /= sum
	}
	return z
}

func (z zipf) draw(r *rand.Rand) string { return z.words[z.index(r)] }

func (z zipf) index(r *rand.Rand) int {
	i, _ := slices.BinarySearch(z.upTo, r.Float64())
	return min(i, len(z.words)-1)
}

func newDemoLexicon() demoLexicon {
	r := rand.New(rand.NewPCG(demoSeed, 1))
	nouns, verbs := uniqueFields(demoNouns), uniqueFields(demoVerbs)
	var models, errors []string
	for _, series := range []string{"LX", "SX", "Aero", "Pivot", "Siesta", "Nova", "Terra", "Kappa", "Orion", "Lyra", "Vega", "Zeta"} {
		for range 60 {
			models = append(models, fmt.Sprintf("%s-%d", series, 100+r.IntN(900)))
		}
	}
	for range 3000 {
		errors = append(errors, fmt.Sprintf("E%04d", r.IntN(10000)))
	}
	r.Shuffle(len(models), func(i, j int) { models[i], models[j] = models[j], models[i] })
	lexicon := demoLexicon{
		nouns: newZipf(nouns), verbs: newZipf(verbs), adjectives: newZipf(uniqueFields(demoAdjectives)), adverbs: newZipf(uniqueFields(demoAdverbs)),
		names: newZipf(append(strings.Fields(demoFirst), strings.Fields(demoLast)...)), models: newZipf(models), errors: newZipf(errors),
	}
	var plurals, past, gerunds []string
	for _, n := range nouns {
		plurals = append(plurals, plural(n))
	}
	for _, v := range verbs {
		past, gerunds = append(past, pastOf(v)), append(gerunds, gerundOf(v))
	}
	lexicon.plurals, lexicon.past, lexicon.gerunds = newZipf(plurals), newZipf(past), newZipf(gerunds)
	return lexicon
}

func uniqueFields(list string) (words []string) {
	seen := map[string]bool{}
	for _, word := range strings.Fields(list) {
		if !seen[word] {
			seen[word] = true
			words = append(words, word)
		}
	}
	return words
}

func plural(noun string) string {
	switch {
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "x"), strings.HasSuffix(noun, "ch"), strings.HasSuffix(noun, "sh"):
		return noun + "es"
	case strings.HasSuffix(noun, "y") && !strings.ContainsAny(noun[len(noun)-2:len(noun)-1], "aeiou"):
		return noun[:len(noun)-1] + "ies"
	}
	return noun + "s"
}

var irregular = map[string]string{"send": "sent", "show": "showed", "find": "found", "stick": "stuck", "bend": "bent", "tear": "tore",
	"hang": "hung", "freeze": "froze", "leave": "left", "meet": "met", "teach": "taught", "learn": "learned", "pay": "paid", "bind": "bound",
	"cut": "cut", "split": "split", "shred": "shredded", "grind": "ground", "stop": "stopped", "ship": "shipped", "plug": "plugged",
	"unplug": "unplugged", "trim": "trimmed", "clog": "clogged", "jam": "jammed", "slip": "slipped", "step": "stepped", "transfer": "transferred",
	"prefer": "preferred", "reset": "reset", "enrol": "enrolled", "let": "let"}

func pastOf(verb string) string {
	switch past := irregular[verb]; {
	case past != "":
		return past
	case strings.HasSuffix(verb, "e"):
		return verb + "d"
	case strings.HasSuffix(verb, "y") && !strings.ContainsAny(verb[len(verb)-2:len(verb)-1], "aeiou"):
		return verb[:len(verb)-1] + "ied"
	}
	return verb + "ed"
}

func gerundOf(verb string) string {
	past := pastOf(verb)
	switch {
	case strings.HasSuffix(past, "pped"), strings.HasSuffix(past, "gged"), strings.HasSuffix(past, "mmed"), strings.HasSuffix(past, "rred"),
		strings.HasSuffix(past, "lled") && verb == "enrol", verb == "shred":
		return verb + verb[len(verb)-1:] + "ing"
	case verb == "cut" || verb == "split" || verb == "reset":
		return verb + "ting"
	case strings.HasSuffix(verb, "e") && !strings.HasSuffix(verb, "ee"):
		return verb[:len(verb)-1] + "ing"
	}
	return verb + "ing"
}

// What sentences look like. N a noun, S its plural, V a verb, P its past, G its gerund, A an adjective, D an adverb, M a
// model, E an error number, O a number that stands on one order alone, F a name, # a number; all else stands for itself.
var (
	demoSentences = []string{
		"The A N P D when we P the N", "We P the N and the N P D", "Could you V the N for our A N", "The N on the A N is A",
		"I have P the S but the N is still A", "Our N says that the N was A", "Please V the N and V the A N", "It P while G the N",
		"There is a A N in the N", "The A S P after the N was P", "Since the N was P the S are A", "My N F will V the N D",
		"The N of the M shows E", "After G the M it says E", "Order O has not been P", "The M P D", "We have # S and # of them are A",
		"I D P the N of the A N", "Is it A to V the N without a N", "The N between the N and the N is A",
	}
	demoAnswers = []string{
		"Thank you for your N", "I have P the N for you", "Please V the A N and tell me how the N looks", "Could you V the N and V it D",
		"The N will be P D", "We have P this with our N", "The A N is on its way with order O", "For the M please V the N while G the N",
		"E means that the N is A", "I am sorry for the A N", "Our N F will call you about the S", "You need not V the N",
		"As soon as the N is P I will V you", "The S of the A N are P by the N", "Let me V the N of your A N first",
		"That is a A N of the M", "I have P # S to your N", "The N was P by F",
	}
	demoNotesOn = []string{
		"F P this N before", "N is A, see order O", "Asked the N about the M", "No warranty for this N", "F please V the N",
		"Customer P the N twice", "E again, the N of the M is A", "Waiting for the N of F", "Probably the A N",
	}
	demoSubjects = []string{
		"A N on the N", "N of the M is A", "M shows E", "Order O: N is A", "Where is order O", "N P after the N", "How do I V the N",
		"A N for the N", "Cannot V the N", "Question about the A N", "M: N will not V", "# S are A", "E while G the N", "N and N for F",
		"Quote for # A S", "Please V our N", "The N P D", "G the M fails with E",
	}
	demoGreetings = []string{"Hello", "Hi", "Good morning", "Dear team", "Hello again"}
	demoPartings  = []string{"Thank you", "Best regards", "Kind regards", "Thanks in advance"}
)

// sentence writes one, with its first letter large and without its end.
func (x *demoLexicon) sentence(b *strings.Builder, r *rand.Rand, from []string) (words int) {
	start := b.Len()
	pattern := from[r.IntN(len(from))]
	words = 1
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		alone := (i == 0 || pattern[i-1] == ' ') && (i+1 == len(pattern) || pattern[i+1] == ' ' || pattern[i+1] == ',' || pattern[i+1] == ':')
		if c == ' ' {
			words++
		}
		if !alone {
			b.WriteByte(c)
			continue
		}
		word := ""
		switch c {
		case 'N':
			word = x.nouns.draw(r)
		case 'S':
			word = x.plurals.draw(r)
		case 'V':
			word = x.verbs.draw(r)
		case 'P':
			word = x.past.draw(r)
		case 'G':
			word = x.gerunds.draw(r)
		case 'A':
			word = x.adjectives.draw(r)
		case 'D':
			word = x.adverbs.draw(r)
		case 'M':
			word = x.models.draw(r)
		case 'E':
			word = x.errors.draw(r)
		case 'O':
			word = orderNumber(r)
		case 'F':
			word = x.names.draw(r)
		case '#':
			word = fmt.Sprint(2 + r.IntN(60))
		default:
			b.WriteByte(c)
			continue
		}
		if b.Len() == start {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
	}
	return words
}

func orderNumber(r *rand.Rand) string {
	n := r.IntN(26 * 26 * 100000)
	return fmt.Sprintf("%c%c-%05d", 'A'+n%26, 'A'+n/26%26, n/676)
}

// text is a message of about words words.
func (x *demoLexicon) text(r *rand.Rand, from []string, words int, name string) string {
	var b strings.Builder
	b.Grow(words * 7)
	n := 0
	if name != "" {
		b.WriteString(demoGreetings[r.IntN(len(demoGreetings))])
		b.WriteByte(' ')
		b.WriteString(name)
		b.WriteString(",\n\n")
		n = 2
	}
	for sentences := 0; n < words; sentences++ {
		if sentences > 0 && sentences%5 == 0 {
			b.WriteString("\n\n")
		} else if sentences > 0 {
			b.WriteByte(' ')
		}
		n += x.sentence(&b, r, from)
		b.WriteByte('.')
	}
	if name != "" && words > 40 {
		b.WriteString("\n\n")
		b.WriteString(demoPartings[r.IntN(len(demoPartings))])
	}
	return b.String()
}

// length draws how many words somebody writes: 15 to 120, mostly few.
func (x *demoLexicon) length(r *rand.Rand) int {
	return min(15+int(-math.Log(1-r.Float64())*22), 118)
}

func (x *demoLexicon) subject(r *rand.Rand) string {
	var b strings.Builder
	x.sentence(&b, r, demoSubjects)
	return b.String()
}

var demoNameLists = sync.OnceValues(func() (first, last []string) { return strings.Fields(demoFirst), strings.Fields(demoLast) })

var demoFirmLists = sync.OnceValues(func() (firms, trades []string) { return strings.Fields(demoFirms), strings.Fields(demoTrades) })
