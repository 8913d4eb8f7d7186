package store

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"time"
)

// demoPerson is somebody of the demo; key is how the story names them.
type demoPerson struct {
	key, email, name string
	role             Role
	seen             time.Duration // how long ago
}

// demoTicket is one ticket of the story: a shop for office equipment and its customers.
type demoTicket struct {
	client, agent        string
	status               Status
	priority             Priority
	age                  time.Duration
	subject, description string
	files                []demoAttachment
	thread               []demoMessage
}

// demoMessage is said some time after what stands before it, and may move the status.
type demoMessage struct {
	who      string
	after    time.Duration
	text     string
	internal bool
	then     Status
}

type demoAttachment struct {
	name    string
	content func() ([]byte, error)
}

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

var demoPeople = []demoPerson{
	{"carla", "client@example.com", "Carla Mendes", Client, 4 * time.Minute},
	{"ana", "agent@example.com", "Ana Ferreira", Agent, time.Minute},
	{"ada", "admin@example.com", "Ada Novak", Admin, 2 * time.Minute},
	{"ben", "ben@example.com", "Ben Okafor", Agent, 9 * time.Minute},
	{"mia", "mia@example.com", "Mia Lindqvist", Agent, 3 * hour},
	{"jonas", "jonas@harbor-dental.example", "Jonas Weber", Client, 40 * time.Minute},
	{"priya", "priya@mapleschool.example", "Priya Raman", Client, 2 * hour},
	{"tom", "tom@tomsgarage.example", "Tom Baker", Client, 26 * hour},
	{"yuki", "yuki@studio-nori.example", "Yuki Tanaka", Client, 11 * time.Minute},
	{"leila", "leila@citylibrary.example", "Leila Haddad", Client, 5 * hour},
	{"oscar", "oscar@brightlaw.example", "Oscar Nilsson", Client, 3 * day},
}

// note is an internal note in a thread.
func note(who string, after time.Duration, text string) demoMessage {
	return demoMessage{who: who, after: after, text: text, internal: true}
}

func says(who string, after time.Duration, text string) demoMessage {
	return demoMessage{who: who, after: after, text: text}
}

func (m demoMessage) and(then Status) demoMessage {
	m.then = then
	return m
}

var testPage = demoAttachment{"test-page.png", func() ([]byte, error) {
	// A page with stripes where the drum is worn.
	img := image.NewRGBA(image.Rect(0, 0, 360, 480))
	for y := range 480 {
		for x := range 360 {
			c := color.RGBA{250, 250, 247, 255}
			if y%24 < 3 && x > 36 && x < 324-(y%7)*18 {
				c = color.RGBA{70, 74, 84, 255}
			}
			if x%97 < 5 || (x > 200 && x < 214) {
				c.R, c.G, c.B = c.R-40, c.G-40, c.B-38
			}
			img.Set(x, y, c)
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}}

var errorLog = demoAttachment{"scanner.log", func() ([]byte, error) {
	return []byte("2026-03-02 09:14:07 scan started, profile \"Invoices\"\n" +
		"2026-03-02 09:14:09 page 1 ok\n2026-03-02 09:14:11 page 2 ok\n" +
		"2026-03-02 09:14:12 ERROR destination \\\\files\\scans: access denied\n" +
		"2026-03-02 09:14:12 scan stopped, 2 pages kept on the device\n"), nil
}}

var demoTickets = []demoTicket{
	// Carla's own: what the customer's portal shows.
	{"carla", "ana", StatusPending, PriorityHigh, 2 * day, "Printer on the second floor leaves grey stripes",
		"Since Monday every page from the **LX-420** on the second floor has grey stripes down the right half. I printed a test page and scanned it, see the picture.\n\nWe have an audit on Thursday and need clean copies.",
		[]demoAttachment{testPage}, []demoMessage{
			says("ana", 50*time.Minute, "Thank you for the test page, Carla, that helps a lot. Stripes at a fixed distance are the drum, not the toner.\n\nCould you tell me:\n\n1. the number of pages on the counter (Menu → Status → Pages)\n2. whether the spare drum we sent in January is still in the cupboard"),
			says("carla", 3*hour, "The counter says 41,870. And yes, the spare drum is here, unopened."),
			note("ana", 20*time.Minute, "Drum is rated for 40,000 pages, so this is wear and not a defect. No warranty case. @Ben: please put another spare on the next delivery."),
			says("ana", 10*time.Minute, "Good news: then it is two minutes of work. Open the front door, pull the blue lever, slide the old drum out and the new one in, and close the door. The printer cleans itself for a minute.\n\nPlease print the test page again and tell me how it looks.").and(StatusPending),
		}},
	{"carla", "ben", StatusOpen, PriorityMedium, 5 * hour, "Invoice 20418 lists a chair we sent back",
		"We returned one of the three **Siesta** chairs on the 3rd, but invoice 20418 still lists three. Could you send a corrected one?", nil, []demoMessage{
			says("ben", 70*time.Minute, "I see the return in our warehouse list. I have asked accounting for a credit note and will send it here."),
			note("ben", 5*time.Minute, "Accounting closes the month tomorrow, they promised it by noon."),
		}},
	{"carla", "", StatusNew, PriorityLow, 35 * time.Minute, "Do you sell the desk lamp in green?",
		"The catalogue shows the **Pivot** lamp in black and white. A colleague swears she saw a green one at a fair.", nil, nil},
	{"carla", "ana", StatusOnHold, PriorityMedium, 6 * day, "Standing desk stops at 98 cm",
		"One of the standing desks from the last delivery rises to 98 cm and then stops with a click. The others go to 120.", nil, []demoMessage{
			says("ana", 2*hour, "That click is the controller's end stop, which was set in the factory. I have asked the maker for the code that resets it on this series."),
			says("ana", 2*day, "The maker will answer on Wednesday. I put this ticket on hold until then; you need not do anything.").and(StatusOnHold),
		}},
	{"carla", "mia", StatusResolved, PriorityMedium, 9 * day, "How do I add a second delivery address?",
		"Our new branch opens next month. Can one account have two delivery addresses?", nil, []demoMessage{
			says("mia", 4*hour, "It can: **Account → Addresses → Add**, and you choose one of them in each order. I have added the branch's address from your letterhead, please check the postcode.").and(StatusPending),
			says("carla", 5*hour, "Found it, the postcode is right. Thank you!"),
			says("mia", hour, "Glad to hear it. Good luck with the opening!").and(StatusResolved),
		}},
	{"carla", "ana", StatusClosed, PriorityUrgent, 21 * day, "Meeting room screen dead an hour before a pitch",
		"The big screen in the meeting room stays black. Client pitch at 11. Please call me!", nil, []demoMessage{
			says("ana", 6*time.Minute, "I just called and left a message. Please hold the power button **on the back** for ten seconds, then press it once."),
			says("carla", 9*time.Minute, "It LIVES. You are a hero."),
			says("ana", 4*time.Minute, "Wonderful. I will send you the update that cures it for good; it can wait until after the pitch.").and(StatusResolved),
			note("ana", 3*day, "Firmware 2.1.4 installed by their IT, no return of the fault."),
		}},
	{"carla", "", StatusCancelled, PriorityLow, 12 * day, "Wrong toner ordered",
		"I ordered cyan instead of black. Can it be changed before it ships?", nil, []demoMessage{
			says("carla", 25*time.Minute, "Never mind, I could change it in the shop myself."),
		}},

	// An angry thread.
	{"oscar", "ana", StatusOpen, PriorityUrgent, 3 * day, "THIRD time asking: where are our 14 chairs?",
		"We paid for 14 chairs six weeks ago. I have written twice and got one automatic answer. My people sit on boxes. If I do not hear from a human being today we cancel everything.", nil, []demoMessage{
			note("ada", 12*time.Minute, "Two earlier mails went to the old orders address, which nobody reads since the move. Ana, please take this one personally."),
			says("ana", 8*time.Minute, "Mr Nilsson, you are right to be angry, and I am sorry. Your two mails went to an address that we had stopped reading; that is our mistake and has been mended.\n\nFourteen **Aero** chairs left the warehouse this morning. The driver will call you one hour before, on the number in your order."),
			says("oscar", 2*hour, "I will believe it when I sit on one."),
			says("ana", 20*time.Minute, "That is fair. Here is the driver's consignment number: `NW-88213`. I will write to you again tomorrow at ten, whatever happens."),
			note("ana", 20*hour, "Delivered 11 of 14: three have the wrong armrests. Ben sends the right ones today by courier, we carry the cost."),
			says("oscar", 3*hour, "Eleven. ELEVEN. Can nobody there count?"),
		}},
	{"jonas", "ben", StatusOpen, PriorityHigh, 7 * hour, "Scanner says \"access denied\" when saving to our server",
		"Since the update on Friday our front desk cannot scan to the file server. The log is attached.", []demoAttachment{errorLog}, []demoMessage{
			says("ben", 45*time.Minute, "Thank you for the log. The scanner's new software speaks a newer protocol and your server seems to refuse it. Which version of the server do you run?"),
			says("jonas", hour, "Our IT says 2012, \"never touch a running system\"."),
			note("ben", 15*time.Minute, "Workaround: profile → advanced → protocol 2. Not for long, 2012 is out of support."),
		}},
	{"yuki", "", StatusNew, PriorityUrgent, 18 * time.Minute, "Smell of burning from the new shredder",
		"We unplugged it. It is the big **SX-12** that came yesterday. Is it safe to keep it in the room?", nil, nil},
	{"priya", "", StatusNew, PriorityHigh, 80 * time.Minute, "Classroom projector shows everything in pink",
		"Room 14, since this morning. Other rooms are fine, same model.", nil, nil},
	{"leila", "", StatusNew, PriorityMedium, 3 * hour, "Quote for 60 reading lamps",
		"For the reading room we need 60 **Pivot** lamps, delivered in two batches in spring. Could we have a quote with your public-sector discount?", nil, nil},
	{"tom", "", StatusNew, PriorityLow, 9 * hour, "Typo on our invoices: Tom's Garage, not Toms",
		"No hurry, but it has been wrong for a year and my wife teases me with it.", nil, nil},
	{"jonas", "", StatusNew, PriorityMedium, 22 * hour, "Can we pay by direct debit?", "Twelve invoices a year by hand is twelve too many.", nil, nil},
	{"priya", "ana", StatusOpen, PriorityMedium, 28 * hour, "Six tablets will not charge in the new trolley",
		"The trolley has 30 bays. Bays 19 to 24 do nothing.", nil, []demoMessage{
			says("ana", 2*hour, "Those six share one fuse. It sits behind the small door at the back, marked **C**. Is its lamp dark?"),
			says("priya", 18*hour, "Yes, dark. May our caretaker replace it?"),
		}},
	{"tom", "ben", StatusOpen, PriorityMedium, 30 * hour, "Label printer prints one label and feeds three", "New roll, same settings as always.", nil, []demoMessage{
		says("ben", 3*hour, "It has lost the size of the labels. Hold **Feed** until the lamp blinks twice, then let go: it measures one label and remembers."),
	}},
	{"yuki", "mia", StatusOpen, PriorityHigh, 33 * hour, "Colours of the proof printer drifted after moving it", "Reds come out orange since we moved the studio. We ship a catalogue on Friday.", nil, []demoMessage{
		says("mia", hour, "Temperature, most likely: it wants an hour in the new room before it is calibrated. Please run *Calibrate → Full* with the white tile clean."),
		says("yuki", 6*hour, "Done twice. Better, but reds are still off by 4."),
		note("mia", 30*time.Minute, "Needs the profile for the 2023 paper. Asked the maker."),
	}},
	{"leila", "ana", StatusOpen, PriorityLow, 2 * day, "Door counter counts every child twice", "It is the one above the children's section. We like high numbers, but not that high.", nil, []demoMessage{
		says("ana", 5*hour, "It is mounted for adults and sees arms and heads apart. I will send you the bracket that tilts it by 12°."),
	}},
	{"oscar", "ben", StatusOpen, PriorityMedium, 4 * day, "Access for our new office manager", "Please give Greta Holm access to our account, with the right to order up to 500.", nil, []demoMessage{
		says("ben", 6*hour, "Could you, as the account's owner, confirm this by replying here? Then I set it up at once."),
		says("oscar", 2*day, "Confirmed."),
	}},
	{"jonas", "mia", StatusOpen, PriorityLow, 5 * day, "Newsletter in German, please", "Our staff would read it then.", nil, []demoMessage{says("mia", day, "I have passed it on. There is a German edition planned for summer.")}},
	{"priya", "ben", StatusPending, PriorityMedium, 3 * day, "Wi-Fi key for the guest printer", "It asks for a key that nobody knows.", nil, []demoMessage{
		says("ben", 2*hour, "It is printed on the sticker under the paper tray. If it was changed, we have to reset the printer, which forgets its address book. Shall we?").and(StatusPending)}},
	{"tom", "ana", StatusPending, PriorityLow, 8 * day, "Old filing cabinets: do you take them back?", "Four of them, heavy, ugly.", nil, []demoMessage{
		says("ana", 3*hour, "We do, 15 each with the next delivery. Which week suits you?").and(StatusPending)}},
	{"yuki", "ana", StatusPending, PriorityHigh, 26 * hour, "Large-format printer: error 0x41 after paper jam", "We removed the paper, the error stays.", nil, []demoMessage{
		says("ana", 35*time.Minute, "0x41 means that the carriage does not find its home. There is often a scrap of paper under the left rail. Could you look with a torch and send a picture?").and(StatusPending)}},
	{"leila", "ben", StatusPending, PriorityMedium, 6 * day, "Shelf label holders do not fit series B", "We ordered 400.", nil, []demoMessage{
		says("ben", day, "Series B was changed in 2021 by two millimetres. I can swap all 400 for the right ones; please tell me how many have been opened.").and(StatusPending)}},
	{"jonas", "ana", StatusOnHold, PriorityMedium, 10 * day, "Reception desk in a second height", "A lower part for people in wheelchairs.", nil, []demoMessage{
		says("ana", 5*hour, "The joiner draws it this week. I come back to you with the drawing.").and(StatusOnHold)}},
	{"oscar", "mia", StatusOnHold, PriorityLow, 15 * day, "Leather samples", "Four shades of brown, real leather only.", nil, []demoMessage{
		says("mia", day, "The tannery ships in two weeks.").and(StatusOnHold)}},

	// What is behind them.
	{"priya", "ana", StatusResolved, PriorityHigh, 2 * day, "Exam day: copier jams on every tenth page", "400 pages to go!", nil, []demoMessage{
		says("ana", 4*time.Minute, "Use tray **2** and turn the stack over: it curls the other way. That gets you through today."),
		says("priya", 30*time.Minute, "It works. Bless you."),
		says("ana", 2*hour, "A technician replaces the rollers of tray 1 tomorrow at 15:00.").and(StatusResolved)}},
	{"yuki", "ben", StatusResolved, PriorityMedium, 4 * day, "Invoice without VAT number", "Our accountant insists.", nil, []demoMessage{says("ben", 2*hour, "Here it is again, with the number. It will stand on all the next ones, too.").and(StatusResolved)}},
	{"tom", "mia", StatusResolved, PriorityLow, 5 * day, "Coffee machine wants to be descaled for ever", "Did it three times.", nil, []demoMessage{says("mia", day, "Hold both buttons for five seconds *with the tank out*: that tells it that you did.").and(StatusResolved)}},
	{"jonas", "ben", StatusResolved, PriorityUrgent, 7 * day, "Card terminal at the front desk offline", "Patients cannot pay.", nil, []demoMessage{
		says("ben", 3*time.Minute, "Its SIM was locked by the provider by mistake. It is open again; please switch the terminal off and on."),
		says("jonas", 6*time.Minute, "Works.").and(StatusOpen), says("ben", 10*time.Minute, "Thank you for the quick answer. The provider owes us cake.").and(StatusResolved)}},
	{"leila", "mia", StatusResolved, PriorityMedium, 8 * day, "Delivery only before nine", "We open at nine, and the lift is small.", nil, []demoMessage{says("mia", 7*hour, "Noted on your account for every delivery.").and(StatusResolved)}},
	{"oscar", "ana", StatusResolved, PriorityMedium, 11 * day, "Height of the Aero chair", "Seat at its lowest?", nil, []demoMessage{says("ana", hour, "42 cm; 39 with the short gas spring, which costs nothing more.").and(StatusResolved)}},
	{"priya", "ben", StatusClosed, PriorityMedium, 16 * day, "Whiteboard pens dry on arrival", "Whole box of 50.", nil, []demoMessage{says("ben", 3*hour, "A bad batch, sorry. A new box is on its way.").and(StatusResolved)}},
	{"tom", "ana", StatusClosed, PriorityHigh, 19 * day, "Ordered one lift table, got the bill for two", "One is enough for me.", nil, []demoMessage{says("ana", 2*hour, "So it should be: the second bill is cancelled, here is the note.").and(StatusResolved)}},
	{"yuki", "mia", StatusClosed, PriorityLow, 24 * day, "Catalogue on paper", "Two copies, please.", nil, []demoMessage{says("mia", day, "In the post.").and(StatusResolved)}},
	{"jonas", "ana", StatusClosed, PriorityMedium, 27 * day, "Keys for cabinet 7", "Lost both. The number is 2217.", nil, []demoMessage{says("ana", 4*hour, "Two new ones are on their way by registered post.").and(StatusResolved)}},
	{"leila", "ben", StatusClosed, PriorityMedium, 31 * day, "Trolley squeaks in the quiet room", "Everybody looks up.", nil, []demoMessage{says("ben", 6*hour, "A drop of the oil in the accessories bag, on both rear axles.").and(StatusResolved)}},
	{"oscar", "", StatusCancelled, PriorityLow, 18 * day, "Espresso cups with our logo", "About 40.", nil, []demoMessage{says("oscar", 2*day, "The partners voted against it.")}},
	{"yuki", "ben", StatusCancelled, PriorityMedium, 29 * day, "Rental of a second plotter", "For two months.", nil, []demoMessage{says("ben", 5*hour, "We have one free from the 12th."), says("yuki", 2*day, "The project was called off, thank you all the same.")}},
}
