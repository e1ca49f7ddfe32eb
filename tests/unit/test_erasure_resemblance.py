"""Which values a tombstone knows again, and which it lets pass, in two dozen languages."""

from __future__ import annotations

import pytest

from usermemory.erasure import Tombstone, buried, tombstone

SALT = "s" * 32

SAME: dict[str, list[str]] = {
    "Owns a horse": ["owns horses"],
    "a cat": ["cats"],
    "vegetarian": ["vege\u00adtarian"],
    "Had an abortion. She regrets nothing.": ["had an abortion"],
    "すし": ["すしが好き"],
    "Takes lithium every morning": [
        "Takes lithium every evening",
        "takes lithium",
        "lithium in the morning",
        "Lithium",
        "every morning takes LITHIUM",
        "Has been taking lithium every morning since 2019",
    ],
    "rock climbing": ["Likes rock climbing", "climbing rocks", "rock climber"],
    "allergic to peanuts": [
        "is allergic to peanuts",
        "Peanuts (allergic)",
        "allergic to peanut butter",
        "severely allergic to peanuts and needs an EpiPen",
    ],
    "Has a sister called Ana": ["sister called Ana"],
    "Has a brother called Leo who lives in Oslo": ["brother Leo in Oslo"],
    "Works as a nurse at Charité": ["nurse at Charite"],
    "lives in Bergen": ["Bergen"],
    "is gay": ["gay", "came out as gay"],
    "HIV positive": ["is HIV positive", "Is HIV-positive since 2010"],
    "drinks tea": ["drinks tea daily"],
    "Is getting divorced from Tom": ["divorcing Tom"],
    "Klettern in den Alpen": ["in den Alpen klettern", "Klettert gern in den Alpen"],
    "Hat eine Schwester namens Jana": ["Schwester Jana"],
    "Nimmt jeden Morgen Lithium": ["Nimmt Lithium", "nimmt Lithium am Morgen"],
    "Allergisch gegen Erdnüsse": [
        "gegen Erdnuesse allergisch, gegen Erdnüsse",
        "ist allergisch gegen Erdnüsse",
    ],
    "Est allergique aux arachides": ["allergique aux arachides"],
    "Joue du violoncelle dans un orchestre": ["violoncelle dans l'orchestre"],
    "Tiene una hermana llamada Lucía": ["hermana Lucia"],
    "Vive en Sevilla con su novio": ["vive con su novio en Sevilla"],
    "Jest uczulony na orzeszki ziemne": ["uczulony na orzeszki"],
    "Harrastaa kiipeilyä vuorilla": ["kiipeily vuorilla"],
    "Allergiás a mogyoróra": ["mogyoróra allergiás"],
    "Her sabah lityum alıyor": ["lityum alıyor her sabah"],
    "Аллергия на арахис": ["арахис, аллергия"],
    "Принимает литий каждое утро": ["принимает литий"],
    "Αλλεργία στα φιστίκια": ["έχει αλλεργία στα φιστίκια"],
    "يعاني من حساسية الفول السوداني": ["حساسية الفول السوداني"],
    "אלרגי לבוטנים": ["הוא אלרגי לבוטנים"],
    "मूंगफली से एलर्जी है": ["एलर्जी मूंगफली से"],
    "对花生过敏": ["我对花生过敏", "花生过敏"],
    "喜欢在阿尔卑斯山登山": ["在阿尔卑斯山登山"],
    "登山が好き": ["登山"],
    "東京に住んでいる": ["東京に住んでいます"],
    "ピアノを弾く": ["ピアノ"],
    "땅콩 알레르기가 있다": ["땅콩에 알레르기가 있어요"],
    "แพ้ถั่วลิสง": ["ผมแพ้ถั่วลิสงครับ"],
    "ปีนเขาที่กระบี่": ["ชอบปีนเขาที่กระบี่"],
    "ឡើងភ្នំ": ["ខ្ញុំចូលចិត្តឡើងភ្នំ"],
    "ປີນພູ": ["ຂ້ອຍມັກປີນພູ"],
    "has type 2 diabetes": ["type 2 diabetes"],
    "was in prison in 2019": ["in prison in 2019"],
    "Suffers from depression": ["suffers from severe depression"],
    "Had an abortion at nineteen": ["abortion at nineteen", "an abortion when she was nineteen"],
    "Owes the bank 40,000 euros": ["owes 40000 euros to the bank"],
    "Recovering alcoholic": ["is a recovering alcoholic", "alcoholic, recovering since 2015"],
    "Voted for the Greens": ["voted for the green party"],
    "Has an affair with Martin": ["affair with Martin", "having an affair with Martin from work"],
    "Was fired from Siemens": ["fired from Siemens", "got fired by Siemens last year"],
    "Believes in astrology": ["astrology"],
    "gluten-free diet": ["gluten free diet"],
    "Collects vintage synthesizers": ["vintage synthesizer collection"],
    "Leidet an Depressionen": ["hat Depressionen"],
    "Ist aus der Kirche ausgetreten": ["aus der Kirche ausgetreten"],
    "Wurde bei Siemens entlassen": ["von Siemens entlassen"],
    "Vater hat Alzheimer": ["sein Vater hat Alzheimer"],
    "Souffre de dépression": ["dépression"],
    "A perdu son emploi chez Renault": ["perdu son emploi chez Renault"],
    "Padece de ansiedad": ["ansiedad"],
    "Cree en la astrología": ["la astrología"],
    "Ha paura dei cani": ["paura dei cani"],
    "Ma depresję od roku": ["depresja od roku"],
    "Sairastaa masennusta": ["masennus"],
    "Страдает депрессией": ["депрессия"],
    "Depresyon tedavisi görüyor": ["depresyon tedavisi"],
    "患有抑郁症": ["抑郁症", "得了抑郁症"],
    "和马丁有外遇": ["跟马丁有外遇"],
    "うつ病を患っている": ["うつ病"],
    "シーメンスを解雇された": ["シーメンスに解雇された"],
    "우울증을 앓고 있다": ["우울증", "우울증이 있다"],
    "เป็นโรคซึมเศร้า": ["โรคซึมเศร้า"],
    "مصاب بالاكتئاب": ["مصاب بالاكتئاب منذ سنة"],
    "סובל מדיכאון": ["סובל מדיכאון קשה"],
    "अवसाद से पीड़ित है": ["अवसाद से पीड़ित"],
    "Sees a psychiatrist on Tuesdays": ["sees a psychiatrist", "psychiatrist on Tuesdays"],
    "Miscarriage in March 2021": ["had a miscarriage in March 2021", "miscarriage, March 2021"],
    "Trans woman": ["is a trans woman"],
    "Earns 95,000 dollars a year": ["earns 95000 dollars"],
    "Gambling addiction": ["addicted to gambling", "struggles with a gambling addiction"],
    "Is a member of Alcoholics Anonymous": ["member of Alcoholics Anonymous"],
    "Lost custody of her daughter Emma": ["lost custody of Emma"],
    "Muslim": ["is Muslim"],
    "Keeps kosher": ["kosher"],
    "Hatte eine Fehlgeburt": ["Fehlgeburt"],
    "Verdient 80.000 Euro": ["verdient 80000 Euro im Jahr"],
    "Wohnt in der Hauptstraße 5": ["Hauptstrasse 5"],
    "Est enceinte de trois mois": ["enceinte de trois mois"],
    "Vote pour les Verts": ["vote toujours pour les Verts"],
    "Es diabético desde niño": ["diabético desde niño"],
    "Tuvo un aborto": ["un aborto"],
    "Bierze leki na tarczycę": ["leki na tarczycę"],
    "Käy terapiassa": ["käy terapiassa viikoittain"],
    "Terhes június óta": ["június óta terhes"],
    "Беременна с июня": ["беременна"],
    "Лежал в психиатрической больнице": ["лежал в больнице психиатрической"],
    "Είναι έγκυος": ["έγκυος"],
    "怀孕三个月了": ["怀孕三个月"],
    "曾经流产": ["曾经流产过"],
    "妊娠している": ["妊娠しています"],
    "離婚を考えている": ["離婚を考えています"],
    "ตั้งครรภ์สามเดือน": ["กำลังตั้งครรภ์สามเดือน"],
    "حامل منذ يونيو": ["هي حامل منذ يونيو"],
    "בהריון מאז יוני": ["בהריון"],
    "गर्भवती है": ["वह गर्भवती है"],
}
OTHER: dict[str, list[str]] = {
    "すし": ["ラーメン", "おちゃ"],
    "on it": ["chess"],
    "Takes lithium every morning": [
        "Takes vitamin D every morning",
        "Goes running every morning",
        "Takes the bus every morning",
        "every morning",
    ],
    "rock climbing": ["Likes rock music", "rock"],
    "allergic to peanuts": ["allergic to shellfish", "allergic to soy"],
    "allergic to nuts": ["allergic to eggs"],
    "allergic to kiwis": ["allergic to soy"],
    "Has a sister called Ana": ["Has a sister called Mia", "Has a brother called Leo"],
    "Has a brother called Leo who lives in Oslo": [
        "Has a sister called Ana who lives in Oslo",
        "Lives in Oslo",
    ],
    "lives in Bergen": ["lives in Oslo"],
    "lives in Bergen with Tom": ["lives with Ana"],
    "is gay": ["is shy"],
    "I am gay": ["I am sad"],
    "drinks tea": ["drinks gin"],
    "owns a dog": ["owns a cat"],
    "has two cats": ["has two kids"],
    "has no dog": ["has a cat"],
    "plays chess": ["plays tennis"],
    "plays the cello in an orchestra": ["plays the piano"],
    "likes thai food": ["likes indian food"],
    "Likes Thai food": ["Likes Indian food"],
    "Works as a data scientist at Equinor": ["Works as a data engineer at Statkraft"],
    "Works at night": ["Works at Siemens"],
    "Wants to learn Portuguese": ["Wants to learn the guitar"],
    "born in 1990": ["born in 1985"],
    "was in prison in 2019": ["was in Vienna in 2019"],
    "has type 2 diabetes": ["has a type A personality"],
    "Smokes after dinner": ["Goes for a walk after dinner"],
    "Went through a divorce last year": ["Went to Japan last year"],
    "Hat eine Schwester namens Jana": ["Hat einen Bruder namens Max"],
    "Nimmt jeden Morgen Lithium": ["Nimmt jeden Morgen den Bus", "Läuft jeden Morgen"],
    "Allergisch gegen Erdnüsse": ["Allergisch gegen Soja"],
    "Est allergique aux arachides": ["Est allergique aux crustacés"],
    "Aime la randonnée en montagne": ["Aime le cinéma italien"],
    "Tiene una hermana llamada Lucía": ["Tiene un perro llamado Toby"],
    "Vive en Sevilla": ["Vive en Madrid"],
    "Jest uczulony na orzeszki ziemne": ["Jest uczulony na mleko"],
    "Harrastaa kiipeilyä": ["Harrastaa uintia"],
    "Her sabah lityum alıyor": ["Her sabah kahve içiyor"],
    "Аллергия на арахис": ["Аллергия на молоко"],
    "Принимает литий каждое утро": ["Бегает каждое утро"],
    "Αλλεργία στα φιστίκια": ["Αλλεργία στα αυγά"],
    "يعاني من حساسية الفول السوداني": ["يعاني من الصداع"],
    "אלרגי לבוטנים": ["אלרגי לחלב"],
    "मूंगफली से एलर्जी है": ["दूध से एलर्जी है"],
    "对花生过敏": ["对海鲜过敏", "对狗毛过敏"],
    "喜欢爬山": ["喜欢游泳"],
    "住在北京": ["住在上海"],
    "登山が好き": ["料理が好き"],
    "東京に住んでいる": ["大阪に住んでいる"],
    "毎朝リチウムを飲む": ["毎朝コーヒーを飲む"],
    "ピアノを弾く": ["ギターを弾く"],
    "땅콩 알레르기가 있다": ["새우 알레르기가 있다"],
    "서울에 살고 있다": ["부산에 살고 있다"],
    "แพ้ถั่วลิสง": ["แพ้อาหารทะเล"],
    "ชอบปีนเขา": ["ชอบว่ายน้ำ"],
    "ចូលចិត្តឡើងភ្នំ": ["ចូលចិត្តហែលទឹក"],
    "Suffers from depression": ["Suffers from hay fever"],
    "Had an abortion at nineteen": ["Moved to Berlin at nineteen"],
    "Owes the bank 40,000 euros": ["Works at a bank"],
    "Recovering alcoholic": ["Recovering from a knee injury"],
    "Voted for the Greens": ["Works for the city"],
    "Has an affair with Martin": ["Has a son called Paul", "Goes jogging with Anna"],
    "Was fired from Siemens": ["Was promoted last year"],
    "Believes in astrology": ["Believes in lifelong learning"],
    "Believes in God": ["Believes in hard work"],
    "gluten-free diet": ["low-carb diet"],
    "Collects vintage synthesizers": ["Collects vintage cars"],
    "Collects stamps": ["Collects coins"],
    "Speaks French": ["Speaks Italian"],
    "Speaks fluent french": ["Speaks fluent italian"],
    "Wants to move to Lisbon next year": ["Wants to buy a car next year"],
    "Prefers long answers": ["Prefers short answers"],
    "Has two sons": ["Has two dogs"],
    "Mother has cancer": ["Mother has a bakery"],
    "Grew up in foster care": ["Grew up in a small village"],
    "Leidet an Depressionen": ["Leidet an Heuschnupfen"],
    "Spricht Französisch": ["Spricht Polnisch"],
    "Hat Angst vor Hunden": ["Hat Angst vor Höhe"],
    "Wurde bei Siemens entlassen": ["Arbeitet bei Bosch"],
    "Vater hat Alzheimer": ["Vater hat ein Café"],
    "Souffre de dépression": ["Souffre de migraines"],
    "Habite à Lyon": ["Habite à Nantes"],
    "Padece de ansiedad": ["Padece de asma"],
    "Le gusta el flamenco": ["Le gusta el cine"],
    "Ha paura dei cani": ["Ha paura dei ragni"],
    "Mieszka w Krakowie": ["Mieszka w Gdańsku"],
    "Sairastaa masennusta": ["Sairastaa astmaa"],
    "Страдает депрессией": ["Страдает аллергией"],
    "Живёт в Москве": ["Живёт в Казани"],
    "Любит играть в шахматы": ["Любит играть на гитаре"],
    "Depresyon tedavisi görüyor": ["Almanca kursuna gidiyor"],
    "患有抑郁症": ["患有糖尿病"],
    "喜欢喝咖啡": ["喜欢喝红茶"],
    "和马丁有外遇": ["和安娜去旅游"],
    "うつ病を患っている": ["糖尿病を患っている"],
    "猫を飼っている": ["犬を飼っている"],
    "コーヒーが好き": ["ケーキが好き"],
    "우울증을 앓고 있다": ["당뇨병을 앓고 있다"],
    "커피를 좋아한다": ["등산을 좋아한다"],
    "เป็นโรคซึมเศร้า": ["เป็นครูสอนภาษา"],
    "ชอบดื่มกาแฟ": ["ชอบดื่มชา"],
    "مصاب بالاكتئاب": ["مصاب بالسكري"],
    "يحب القهوة": ["يحب السباحة"],
    "סובל מדיכאון": ["סובל מאלרגיה"],
    "अवसाद से पीड़ित है": ["मधुमेह से पीड़ित है"],
    "Sees a psychiatrist on Tuesdays": ["Plays football on Tuesdays"],
    "Miscarriage in March 2021": ["Moved in March 2021", "Started a job in March 2021"],
    "Trans woman": ["Married to a woman"],
    "Earns 95,000 dollars a year": ["Runs two marathons a year"],
    "Gambling addiction": ["Plays board games"],
    "Is a member of Alcoholics Anonymous": ["Is a member of a chess club"],
    "Lost custody of her daughter Emma": ["Lost her phone", "Has a daughter called Nina"],
    "Uses a wheelchair": ["Uses a mac", "Uses an iPhone"],
    "Keeps kosher": ["Keeps bees"],
    "Keeps bees": ["Keeps hens"],
    "Learning to drive": ["Learning to swim"],
    "Ist schwanger seit Juni": ["Ist Lehrerin seit Juni"],
    "Hatte eine Fehlgeburt": ["Hatte eine Knieoperation"],
    "Verdient 80.000 Euro": ["Fährt einen VW"],
    "Wohnt in der Hauptstraße 5": ["Wohnt in der Altstadt"],
    "Mag klassische Musik": ["Mag klassische Autos"],
    "Est enceinte de trois mois": ["Est à Paris depuis trois mois"],
    "Vote pour les Verts": ["Travaille pour les chemins de fer"],
    "Es diabético desde niño": ["Es vegano desde niño"],
    "Tuvo un aborto": ["Tuvo un perro"],
    "Bierze leki na tarczycę": ["Bierze lekcje tańca"],
    "Käy terapiassa": ["Käy uimassa"],
    "Terhes június óta": ["Tanár tavaly óta"],
    "Беременна с июня": ["Работает с июня"],
    "Любит кофе": ["Любит чай"],
    "Είναι έγκυος": ["Είναι δάσκαλος"],
    "会说法语": ["会说德语"],
    "妊娠している": ["料理している"],
    "離婚を考えている": ["転職を考えている"],
    "임신 중이다": ["휴가 중이다"],
    "프랑스어를 한다": ["독일어를 한다"],
    "حامل منذ يونيو": ["معلمة منذ سنتين"],
    "בהריון מאז יוני": ["גר בחיפה מאז יוני"],
    "गर्भवती है": ["शिक्षक है"],
}
MISSED: dict[str, list[str]] = {
    "owns a dog": ["a dog"],
    "東京に住んでいる": ["東京在住"],
    "毎朝リチウムを飲む": ["リチウムを飲んでいる"],
    "Suffers from depression": ["has depression"],
    "Уволен из Сбербанка": ["его уволили из Сбербанка"],
    "Sees a psychiatrist on Tuesdays": ["goes to a psychiatrist every Tuesday"],
    "Uses a wheelchair": ["wheelchair user"],
    "Ist schwanger seit Juni": ["schwanger"],
    "임신 중이다": ["임신 중입니다"],
}
TAKEN_FOR_IT: dict[str, list[str]] = {
    "Klettern in den Alpen": ["Wandern in den Alpen"],
    "怀孕三个月了": ["搬家三个月了"],
    "ตั้งครรภ์สามเดือน": ["ย้ายบ้านสามเดือนแล้ว"],
}

KEPT = {
    "Takes lithium every morning": [
        "12:53c141c814ca3c0f",
        "12:f5e6996c04ee363d",
        "20*:77a8632eee8a4c84",
        "20:7db9ec26012d13a2",
    ],
    "is gay": ["0:3fafc101c53e5499", "2*:5f4fe53675374379"],
    "5,000 kg": ["0:3c848b2b19d7a98d", "16*:90ade4cb17561734"],
    "東京に住んでいる": [
        "0:521e1e16ba1bcdf0",
        "0:77623f250c9c0170",
        "0:b056d220ac494d13",
        "28!:30a2af2f01e571ae",
        "4:4f79d2b182da95bf",
        "4:5852e9947a9dc391",
        "4:d2d0b7d463da3b21",
    ],
    "แพ้ถั่วลิสง": [
        "28!:9ffa5cafdaa04233",
        "28:0c3ba1e5c0dcc19f",
        "28:3edaf115cfb18397",
        "28:66374af6569f798c",
        "28:cbf183a8ca0cbf07",
        "28:db3e87350b9d040f",
    ],
    "मूंगफली से एलर्जी है": [
        "0:08f26560232578ca",
        "0:1debaebc1bdf550e",
        "12:f8a2528fca6afca5",
        "20*:1ae99c8b1e612b2e",
    ],
    "L'Été à Paris": [
        "0:24244ecbdac5b8b5",
        "0:ae830a2409a32669",
        "24!:f1cae29d311389d8",
        "24:50d5f0b75ee4de0b",
    ],
    "땅콩 알레르기": [
        "28!:dc2cb8b6aa8972f3",
        "28:935917c02be308a2",
        "28:c5c13aad32135b1c",
        "28:e9d428d11c247c28",
    ],
}


def pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(erased, other) for erased, others in table.items() for other in others]


def comes_back(erased: str, other: str) -> bool:
    """Whether words from before the erasure may teach the other value."""
    return not buried([tombstone(SALT, "f", erased, 1.0)], SALT, "f", other, 1.0)


@pytest.mark.parametrize(("erased", "other"), pairs(SAME))
def test_the_same_in_other_words_stays_erased(erased: str, other: str) -> None:
    """Shortened, lengthened, inflected, reordered or with another small word, it is known."""
    assert not comes_back(erased, other)
    assert not comes_back(erased, erased)
    assert not comes_back(erased, erased.upper())


@pytest.mark.parametrize(("erased", "other"), pairs(OTHER))
def test_another_fact_is_learned(erased: str, other: str) -> None:
    """What shares common words with it, and is about something else, is not held back."""
    assert comes_back(erased, other)


def test_what_it_is_known_to_get_wrong() -> None:
    """The figures in docs/decisions.md: these pairs are missed, or taken for the same."""
    assert all(comes_back(*pair) for pair in pairs(MISSED))
    assert not any(comes_back(*pair) for pair in pairs(TAKEN_FOR_IT))
    counts = [len(pairs(table)) for table in (SAME, MISSED, OTHER, TAKEN_FOR_IT)]
    assert counts == [133, 9, 154, 3]


@pytest.mark.parametrize(
    "value", ["\u0301", "\u0e48\u0e49", "🎹", "!?", "", "ー", 41, 4.5, True, [], {}]
)
def test_a_value_without_words(value: object) -> None:
    """It is known by what it is, and buries nothing else."""
    stone = tombstone(SALT, "f", value, 1.0)
    assert buried([stone], SALT, "f", value, 1.0)
    assert not buried([stone], SALT, "f", "plays the piano", 1.0)
    assert not buried([tombstone(SALT, "f", "plays the piano", 1.0)], SALT, "f", value, 1.0)


def test_tombstones_of_version_0_2() -> None:
    """What databases hold by now is what the same values give for ever."""
    kept = {value: sorted(tombstone("salt", "f", value).words) for value in KEPT}
    assert kept == KEPT


def test_words_of_a_later_version() -> None:
    """A tombstone that this version cannot read buries its value, and stops nothing."""
    digest = tombstone(SALT, "f", "chess").digest
    for words in ({"v9:?", "x", ""}, {"0:ab"}, {"1?:ab"}):
        stone = Tombstone("f", digest, frozenset(words), 1.0)
        assert buried([stone], SALT, "f", "Chess", 1.0)
        assert not buried([stone], SALT, "f", "tea", 1.0)
