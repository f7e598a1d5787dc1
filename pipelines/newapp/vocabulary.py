"""Words that columns are named with, in the languages that exports mostly are in, by what they speak of."""

import re


def words_in(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


WRITTEN_OUT = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"}  # or Stück would be stuck
PLAYER = words_in(
    """user uid customer cust client player member learner student account actor athlete subscriber person people rider
    patient employee visitor guest reader owner buyer donor volunteer participant pupil teacher runner gamer viewer
    listener borrower patron kunde kunden kundennr kundennummer mitglied spieler nutzer benutzer schueler utilisateur
    usuario cliente utente joueur membre socio jugador alumno studente giocatore username userid login card karte
    teilnehmer mitarbeiter lerner laeufer schwimmer fahrer patient leser besucher abonne
    ausweis leserausweis singer saenger musician gardener climber golfer
    sender driver absender expediteur mittente remitente fahrerin conducteur carte tarjeta tessera fidelite
    eleve lecteur lettore lector empleado dipendente who helfer helferin benevole volontario voluntario mitspieler"""
)
ID = words_in("id ids no nr num number nummer numero key code uuid guid hash ref identifier mbox email kennung")
# What may stand behind a word that names somebody: 'Mitgliedsnr', 'Kundennummer', 'userid', 'members'.
ID_ENDINGS = re.compile(r"^(?:s|n|en|e)?(?:id|ids|nr|no|num|nummer|number|key|code|uuid|guid|kennung)?$")
# Last parts of German compounds by which a column tells what it holds: 'Kampfdauer', 'Rückgabedatum', 'Ausleihnr'.
HEADS = re.compile(
    r"^(\w{4,}?)(dauer|strecke|distanz|betrag|preis|umsatz|anzahl|menge|punkte|minuten|sekunden|stunden|schaden"
    r"|datum|zeitpunkt|nummer|nr)$"
)
RECORD = words_in(
    "order invoice transaction receipt record row statement event session booking ticket rental loan trip ride"
)
NO_PLAYER = words_in(
    """name age gender sex country city state region type segment status product item sku article price amount order
    invoice transaction session event store shop device description category title url page zip plz postcode artikel
    sum summe total gesamt somme totale conversation thread room channel"""
)
TIME = words_in(
    """time timestamp date datetime day at when ts moment epoch datum zeit tag uhrzeit zeitpunkt fecha hora dia date
    heure jour data ora giorno dt utc"""
)
HAPPENED = words_in(
    """occurred happened created purchased ordered order purchase invoice transaction start started begin began event
    played completed done logged posted checkin checkout visit recorded sold bought workout session borrowed rental
    ausgeliehen geliehen bestellt gekauft verkauft gebucht begonnen gestartet beginn anfang gespielt besucht von
    ausleih leih bestell kauf verkaufs buchungs rechnungs beleg besuchs spiel trainings spenden erstellungs
    emprunte achete commande commence debut prestado comprado pedido inicio prestato acquistato inizio
    visita visite achat compra acquisto uso"""
)
NOT_HAPPENED = words_in(
    """updated modified birth born dob birthday due expires expiry expiration shipped delivered registered joined signup
    stored end ended until last first valid return returned geburtsdatum geburts geaendert membership enrolled
    faellig faelligkeit faelligkeits zurueckgegeben rueckgabe frist geliefert liefer ablauf eintritts anmelde
    aenderungs echeance rendu retour vencimiento devuelto entregado
    scadenza restituito consegnato alta baja nacimiento inscripcion iscrizione nascita
    inscription naissance adhesion"""
)
# Of two moments or times of day in a row, the one at the end: what lies between is how long it took.
ENDS = words_in("end ended ends finish finished finishes stop stopped until checkout logout ende bis fin fine termine")
# Columns that tell kinds of the same thing apart, and what such kinds are called where each is a deed of its own.
KINDS = words_in("type kind sport sports discipline activity category mode art typ sportart kategorie tipo")
DEEDS = {
    **dict.fromkeys(("run", "running", "jog", "jogging", "lauf", "laufen"), "run"),
    **dict.fromkeys(("ride", "riding", "bike", "biking", "cycling", "cycle", "rad", "radfahren"), "ride"),
    **dict.fromkeys(("swim", "swimming", "schwimmen"), "swim"),
    **dict.fromkeys(("walk", "walking", "gehen", "spaziergang"), "walk"),
    **dict.fromkeys(("hike", "hiking", "wandern", "wanderung"), "hike"),
    **dict.fromkeys(("workout", "strength", "gym", "yoga", "training", "row", "rowing", "ski", "skiing"), "workout"),
}
# What files are named for in other words: what is done there.
DONE_ELSEWHERE = {
    **dict.fromkeys(("ausleihe", "ausleihen", "prestito", "prestiti", "prestamo", "prestamos", "checkouts"), "loan"),
    **dict.fromkeys(("kauf", "kaeufe", "einkauf", "einkaeufe", "achat", "achats", "compra", "compras"), "purchase"),
    **dict.fromkeys(("acquisto", "acquisti", "umsaetze", "verkaeufe", "loyalty"), "purchase"),
    **dict.fromkeys(("bestellung", "bestellungen", "commande", "commandes", "pedido", "pedidos", "ordini"), "order"),
    **dict.fromkeys(("besuch", "besuche", "visite", "visitas", "einlass"), "visit"),
    **dict.fromkeys(("buchung", "buchungen", "reservierungen"), "booking"),
    **dict.fromkeys(("sitzung", "sitzungen"), "session"),
    **dict.fromkeys(("spende", "spenden", "dons"), "donation"),
    **dict.fromkeys(("ernte", "ernten", "recolte", "recoltes", "cosecha", "raccolto"), "harvest"),
    **dict.fromkeys(("kampf", "kaempfe", "bosskaempfe", "combats", "combates", "combattimenti"), "battle"),
    **dict.fromkeys(("spiel", "spiele", "partie", "partien", "parties", "partidas", "partite"), "game"),
    **dict.fromkeys(("runde", "runden"), "round"),
    **dict.fromkeys(("aufgabe", "aufgaben"), "task"),
    **dict.fromkeys(("lektion", "lektionen", "lecciones", "lezioni"), "lesson"),
    **dict.fromkeys(("kurs", "kurse"), "course"),
    **dict.fromkeys(("lauf", "laeufe"), "run"),
    **dict.fromkeys(("fahrt", "fahrten"), "ride"),
    **dict.fromkeys(("uebung", "uebungen"), "exercise"),
    **dict.fromkeys(("probe", "proben", "prove", "repetitions", "ensayos"), "rehearsal"),
    **dict.fromkeys(("dienst", "dienste", "schicht", "schichten", "turni", "turnos", "einsaetze"), "shift"),
    **dict.fromkeys(("attendance", "anwesenheit", "presence", "presenze", "asistencia"), "meeting"),
}
EVENT = words_in("event action verb ereignis aktion evento azione evenement operation")
# What people wrote, of which a figure, such as how many words it has, says nothing private.
FREE_TEXT = words_in(
    """comment comments note notes message text description beschreibung body content title url link observaciones
    comentarios notas bemerkung bemerkungen anmerkung anmerkungen osservazioni remarque remarques remarks"""
)
PRIVATE = FREE_TEXT | words_in(
    """name firstname lastname surname vorname nachname nom prenom nombre email mail phone telephone telefon mobile
    address adresse street strasse ip useragent agent password token birthday birthdate dob born gender sex age"""
)
PLACE = words_in(
    "lat lon lng latitude longitude x y index row line zip plz postcode year month weekday week version offset"
)
LABEL = words_in("sku article artikel artikelnr item product isbn ean barcode code category kategorie class type typ")
OUTER = words_in("result properties data payload attributes context definition extensions props details meta")
LOGS = words_in(
    """log logs data dataset export exports events event records record rows entries table sheet sheet1 master full all
    history dump sample statements statement activity activities actions action file files report extract raw stats
    column transactions_data final new test train tbl tb dbo public fact dim stg staging vw view"""
)

# Numbers, by what they measure.
MONEY = words_in(
    """amount price total revenue spent paid payment cost sales sum betrag preis umsatz summe montant prix importe
    precio importo prezzo gesamt gesamtbetrag subtotal usd eur gbp chf dollar dollars euro euros fare
    fee tip donation charge"""
)
QUANTITY = words_in("quantity qty count items units menge anzahl cantidad quantita quantite pieces stueck stück copies")
DISTANCE = {
    "km": ("km", ""),
    "kilometers": ("km", ""),
    "kilometres": ("km", ""),
    "miles": ("mile", ""),
    "mi": ("mile", ""),
    "meters": ("metre", ""),
    "metres": ("metre", ""),
    "distance": ("km", "its unit is not told: km is a guess"),
    "distanz": ("km", "its unit is not told: km is a guess"),
    "strecke": ("km", "its unit is not told: km is a guess"),
}
DURATION = {
    "minutes": ("minute", ""),
    "minute": ("minute", ""),
    "mins": ("minute", ""),
    "min": ("minute", ""),
    "minuten": ("minute", ""),
    "seconds": ("second", ""),
    "secs": ("second", ""),
    "sec": ("second", ""),
    "sekunden": ("second", ""),
    "hours": ("hour", ""),
    "hrs": ("hour", ""),
    "stunden": ("hour", ""),
    **dict.fromkeys(("horas", "heures", "ore"), ("hour", "")),
    **dict.fromkeys(("minutos", "minuti"), ("minute", "")),
    "duration": ("minute", "its unit is not told: minutes is a guess"),
    "dauer": ("minute", "its unit is not told: minutes is a guess"),
    **dict.fromkeys(
        ("spielzeit", "laufzeit", "fahrzeit", "duree", "duracion", "durata"),
        ("minute", "its unit is not told: minutes is a guess"),
    ),
    "elapsed": ("second", "its unit is not told: seconds is a guess"),
    "moving": ("second", "its unit is not told: seconds is a guess"),
    "spent": ("minute", "its unit is not told: minutes is a guess"),
}
# Units that values name themselves: '90 min', '5,2 km', '12 kg'.
MEASURES = {
    **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten", "minuti"), "minute"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sek", "sekunden"), "second"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std", "stunden", "ore"), "hour"),
    **dict.fromkeys(("km", "kilometer", "kilometers", "kilometres"), "km"),
    **dict.fromkeys(("mi", "mile", "miles"), "mile"),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), "metre"),
    **dict.fromkeys(("pt", "pts", "point", "points", "punkte", "puntos", "punti"), "point"),
    **{unit: unit for unit in ("kg", "g", "lb", "lbs", "kcal", "cal", "bpm", "w", "kw", "kwh", "ms", "cm", "mm")},
}
POINTS = words_in("points pts xp punkte puntos puntos punti coins gold gems stars credits tokens")
DAMAGE = words_in("damage dmg schaden")
NOT_DEALT = words_in("taken received suffered blocked erlitten erlittener erhaltener genommener")
# Columns that tell how something ended, and values by which it was won.
OUTCOME = words_in("outcome result ergebnis ausgang won win victory resultat resultado risultato")
# Whose time it is, of several columns that tell how long: the player's, not that of what they listened to.
SPENT = words_in("spent listened watched played active moving practised practiced studied gehoert gespielt geuebt")
# What may be played beside games, so that 'plays' are plays of it.
PLAYED = ("episode", "podcast", "track", "song", "video", "film", "movie")
# Truths that tell whether what was begun came to its end, and what is said of it where it did.
ENDED = {
    **dict.fromkeys(("completed", "complete", "done", "abgeschlossen", "erledigt", "beendet", "termine"), "completed"),
    **dict.fromkeys(("finished", "fertig"), "finished"),
    **dict.fromkeys(("passed", "bestanden"), "passed"),
    **dict.fromkeys(("solved", "geloest", "gelost"), "solved"),
    **dict.fromkeys(("won", "win", "victory", "gewonnen", "sieg"), "won"),
}
WON = words_in("win won victory victorious sieg gewonnen victoire gagne victoria vittoria")
SCORE = words_in("score scores result mark grade punktzahl puntuacion punteggio raw")
LEVEL = words_in(
    """rate rating level rank speed pace temperature weight height bpm hr heart pulse percent pct percentage
    scaled ratio average avg mean power watts elevation altitude bmi mood difficulty position elo max min"""
)
# What nobody wants more of, so that it says nothing of strength.
UNWANTED = words_in(
    """mistake mistakes error errors fault faults fehler errores errori erreurs failure failures failed miss misses
    missed wrong incorrect death deaths loss losses lost injury injuries penalty penalties foul fouls fine fines
    complaint complaints refund refunds cancelled canceled skipped absent absences late damaged broken overdue
    rejected aborted dropped expired accident accidents crash crashes beschaedigt storniert verspaetet"""
)
# Columns that tell how something was paid: of that nobody has an aim.
PAYING = words_in("payment paid pay tender reglement règlement paiement zahlung zahlart zahlungsart pago pagamento")
# Things that one may be asked to try more of, and numbers that only one's own doing raises.
TRIED = words_in(
    """item product genre mode level game activity course lesson module topic category song artist route exercise skill
    store shop place book recipe sport drill dish trail"""
)
DONE_BY_ONESELF = words_in("calorie step lap rep repetition page word line set cd record disc")
GOODS = words_in("cd dvd record disc book ticket bottle cup album")  # what is bought, where amounts are paid
BUYING = words_in("purchase sale order transaction")
INITIALS = words_in("cd dvd tv pc")  # written in capitals
UNITS = words_in("ms kg g cm mm m bpm kcal kwh hz mb gb kmh rpm c f")
CURRENCIES = {
    "usd": "$",
    "dollars": "$",
    "dollar": "$",
    "eur": "€",
    "euro": "€",
    "euros": "€",
    "gbp": "£",
    "chf": "CHF",
}
