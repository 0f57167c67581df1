# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF set-ups, good and broken, and what a receiver must find (RFC 7208).

Each is the zone NAME.gov: lines "owner type data", where the type SPF means a TXT record with this text and $D is the
zone's name. Then the address the mail comes from, the result, and what the reason must say. The sender is
strong-bad@NAME.gov.
"""
V4, V6 = "192.0.2.9", "2001:db8::9"
MANY = "".join(f"\nh{i} A 192.0.2.{100 + i}" for i in range(11))


def chain(length, end):
    """x1 includes x2, and so on; the last one says end."""
    lines = [f"x{i} SPF v=spf1 include:x{i + 1}.$D -all" for i in range(1, length)]
    return "\n".join(["@ SPF v=spf1 include:x1.$D -all", *lines, f"x{length} SPF v=spf1 {end}"])


def long_record(octets, end):
    """A record of so many octets, out of many ip4 terms."""
    text = "v=spf1"
    while len(text) + 20 + len(end) < octets:
        text += f" ip4:198.51.100.{len(text) % 256}"
    return text + " " * (octets - len(text) - len(end)) + end


CASES = {
    # what decides
    "ip4": ("@ SPF v=spf1 ip4:192.0.2.9 -all", V4, "pass", "ip4:192.0.2.9 in ip4.gov"),
    "ip4-net": ("@ SPF v=spf1 ip4:192.0.2.0/28 -all", V4, "pass", "ip4:192.0.2.0/28"),
    "ip4-other": ("@ SPF v=spf1 ip4:192.0.2.16/28 -all", V4, "fail", "-all in ip4-other.gov"),
    "ip4-zero": ("@ SPF v=spf1 ip4:203.0.113.1/0 -all", V4, "pass", "ip4:203.0.113.1/0"),
    "ip4-loopback": ("@ SPF v=spf1 ip4:192.0.2.9 -all", "127.0.0.1", "fail", "-all"),
    "ip6": ("@ SPF v=spf1 ip6:2001:db8::9 -all", V6, "pass", "ip6:2001:db8::9"),
    "ip6-net": ("@ SPF v=spf1 ip6:2001:DB8:0:0::/61 -all", "2001:db8:0:7::1", "pass", "ip6:"),
    "ip6-other": ("@ SPF v=spf1 ip6:2001:db8::/61 -all", "2001:db8:0:8::1", "fail", "-all"),
    "ip6-long": ("@ SPF v=spf1 ip6:2001:0db8:aaaa:bbbb:cccc:dddd:eeee:ffff/112 -all",
                 "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1", "pass", "ip6:"),
    "ip6-zero": ("@ SPF v=spf1 ip6:::/0 -all", V6, "pass", "ip6:::/0"),
    "ip6-for-ip4": ("@ SPF v=spf1 ip6:::/0 ip6:::ffff:192.0.2.9 -all", V4, "fail", "-all"),
    "ip4-for-ip6": ("@ SPF v=spf1 ip4:0.0.0.0/0 -all", V6, "fail", "-all"),
    "mapped": ("@ SPF v=spf1 ip4:192.0.2.9 -all", "::ffff:192.0.2.9", "pass", "ip4:192.0.2.9"),
    "a": ("@ SPF v=spf1 a -all\n@ A 192.0.2.9", V4, "pass", "a in a.gov"),
    "a-name": ("@ SPF v=spf1 a:out.$D -all\nout A 192.0.2.1\nout A 192.0.2.9", V4, "pass", "a:out.a-name.gov in"),
    "a-net": ("@ SPF v=spf1 a:out.$D/24//64 -all\nout A 192.0.2.1\nout AAAA 2001:db8::1", V4, "pass", "/24//64"),
    "a-net6": ("@ SPF v=spf1 a:out.$D/24//64 -all\nout A 192.0.2.1\nout AAAA 2001:db8::1", V6, "pass", "/24//64"),
    "a-net6-only": ("@ SPF v=spf1 a//64 -all\n@ A 192.0.2.1", V4, "fail", "-all"),
    "a-zero": ("@ SPF v=spf1 a/0 -all\n@ A 203.0.113.1", V4, "pass", "a/0"),
    "a-zero-none": ("@ SPF v=spf1 a/0 -all", V4, "fail", "-all"),
    "a-ip6": ("@ SPF v=spf1 a -all\n@ A 192.0.2.1\n@ AAAA 2001:db8::9", V6, "pass", "a in"),
    "a-alias": ("@ SPF v=spf1 a:www.$D -all\nwww CNAME host.elsewhere.gov.", V4, "pass", "a:www"),
    "a-alias-away": ("@ SPF v=spf1 a:www.$D -all\nwww CNAME missing.$D.", V4, "fail", "-all"),
    "a-dot": ("@ SPF v=spf1 a:out.$D. -all\nout A 192.0.2.9", V4, "pass", "a:out.a-dot.gov. in"),
    "a-odd-name": ("@ SPF v=spf1 a:odd:way/off.$D -all\nodd:way/off A 192.0.2.9", V4, "pass", "a:odd:way/off"),
    "a-many": ("@ SPF v=spf1 a:m.$D -all\n" + "\n".join(f"m A 192.0.2.{i}" for i in range(1, 60)), "192.0.2.59", "pass",
               "a:m"),
    "a-too-many": ("@ SPF v=spf1 a:m.$D -all\n" + "\n".join(f"m A 10.0.{i // 250}.{i % 250}" for i in range(300)), V4,
                   "unknown", "too many records"),
    "mx": ("@ SPF v=spf1 mx -all\n@ MX 10 out\nout A 192.0.2.9", V4, "pass", "mx in mx.gov"),
    "mx-net": ("@ SPF v=spf1 mx/24 -all\n@ MX 10 out\nout A 192.0.2.1", V4, "pass", "mx/24"),
    "mx-ip6": ("@ SPF v=spf1 mx -all\n@ MX 10 out\nout AAAA 2001:db8::9", V6, "pass", "mx in"),
    "mx-second": ("@ SPF v=spf1 mx -all\n@ MX 10 a\n@ MX 20 b\na A 192.0.2.1\nb A 192.0.2.9", V4, "pass", "mx in"),
    "mx-ten": ("@ SPF v=spf1 mx -all" + "".join(f"\n@ MX {i} h{i}" for i in range(10)) + MANY, "192.0.2.109", "pass",
               "mx in"),
    "mx-eleven": ("@ SPF v=spf1 mx -all" + "".join(f"\n@ MX {i} h{i}" for i in range(11)) + MANY, V4, "permerror",
                  "more than 10 MX"),
    "mx-null": ("@ SPF v=spf1 mx -all\n@ MX 0 .", V4, "fail", "-all"),
    "mx-void-hosts": ("@ SPF v=spf1 mx ip4:192.0.2.9 -all\n@ MX 1 n1\n@ MX 1 n2\n@ MX 1 n3", V4, "pass", "ip4:192.0.2.9"),
    "mx-no-fallback": ("@ SPF v=spf1 mx -all\n@ A 192.0.2.9", V4, "fail", "-all"),
    "exists": ("@ SPF v=spf1 exists:yes.$D -all\nyes A 127.0.0.2", V4, "pass", "exists:yes"),
    "exists-ip6": ("@ SPF v=spf1 exists:yes.$D -all\nyes A 127.0.0.2", V6, "pass", "exists:yes"),
    "exists-not": ("@ SPF v=spf1 exists:no.$D -all\nno AAAA ::1", V6, "fail", "-all"),
    "ptr": ("@ SPF v=spf1 ptr -all\nout A 192.0.2.77", "192.0.2.77", "pass", "ptr in ptr.gov"),
    "ptr-name": ("@ SPF v=spf1 ptr:ptr.gov -all", "192.0.2.77", "pass", "ptr:ptr.gov"),
    "ptr-ip6": ("@ SPF v=spf1 ptr:ptr6.gov -all", "2001:db8::77", "pass", "ptr:ptr6.gov"),
    "ptr6": ("out AAAA 2001:db8::77", V6, "none", "no SPF record"),
    "ptr-unproven": ("@ SPF v=spf1 ptr -all", "192.0.2.78", "fail", "-all"),
    "softfail": ("@ SPF v=spf1 ip4:192.0.2.1 ~all", V4, "softfail", "~all in"),
    "neutral": ("@ SPF v=spf1 ?ip4:192.0.2.9 -all", V4, "neutral", "?ip4:192.0.2.9"),
    "minus": ("@ SPF v=spf1 -ip4:192.0.2.9 +all", V4, "fail", "-ip4:192.0.2.9"),
    "plus-all": ("@ SPF v=spf1 +all", V4, "pass", "+all"),
    "no-all": ("@ SPF v=spf1 ip4:192.0.2.1", V4, "neutral", "no term matches"),
    "bare": ("@ SPF v=spf1", V4, "neutral", "no term matches"),
    "first-wins": ("@ SPF v=spf1 ~ip4:192.0.2.0/24 ip4:192.0.2.9 -all", V4, "softfail", "~ip4:192.0.2.0/24"),
    "upper": ("@ SPF V=SPF1 IP4:192.0.2.9 -ALL", V4, "pass", "IP4:192.0.2.9"),
    "blanks": ("@ SPF v=spf1   ip4:192.0.2.9   -all   ", V4, "pass", "ip4:192.0.2.9"),
    "split": ('@ TXT "v=spf1 ip4:192." "0.2.9 -all"', V4, "pass", "ip4:192.0.2.9"),
    "modifiers": ("@ SPF v=spf1 x-y.z_1=a:b/%{d} ip4:192.0.2.9 exp=why.$D -all", V4, "pass", "ip4:192.0.2.9"),
    "unasked-exp": ("@ SPF v=spf1 exp=why.$D -all\nwhy TXT no", V4, "fail", "-all"),

    # whether there is one
    "none": ("@ A 192.0.2.9", V4, "none", "no SPF record"),
    "other-texts": ("@ TXT google-site-verification=1\n@ SPF v=spf10 -all\n@ SPF spf2.0/pra -all\n@ SPF v=spf1a -all", V4,
                    "none", "no SPF record"),
    "among-texts": ("\n".join(f"@ TXT token-{i}" for i in range(40)) + "\n@ SPF v=spf1 ip4:192.0.2.9 -all", V4, "pass", ""),
    "two": ("@ SPF v=spf1 ip4:192.0.2.9 -all\n@ SPF v=spf1 ?all", V4, "permerror", "more than one SPF record"),
    "alias": ("@ SPF v=spf1 redirect=c.$D\nc CNAME ip4.gov.", V4, "pass", "ip4:192.0.2.9 in c.alias.gov"),

    # include and redirect
    "include": ("@ SPF v=spf1 include:x.$D -all\nx SPF v=spf1 ip4:192.0.2.9 -all", V4, "pass", "ip4:192.0.2.9 in x.include"),
    "include-fail": ("@ SPF v=spf1 include:x.$D ~all\nx SPF v=spf1 -all", V4, "softfail", "~all in include-fail"),
    "include-neutral": ("@ SPF v=spf1 include:x.$D -all\nx SPF v=spf1 ?all", V4, "fail", "-all in include-neutral"),
    "include-sign": ("@ SPF v=spf1 ?include:x.$D -all\nx SPF v=spf1 +all", V4, "neutral", "?include:x.include-sign.gov in"),
    "include-none": ("@ SPF v=spf1 include:x.$D -all\nx A 192.0.2.9", V4, "permerror", "no SPF record"),
    "include-away": ("@ SPF v=spf1 include:nowhere.invalid -all", V4, "permerror", "no SPF record"),
    "include-two": ("@ SPF v=spf1 include:two.gov -all", V4, "permerror", "two.gov: more than one"),
    "include-broken": ("@ SPF v=spf1 include:x.$D ip4:192.0.2.9\nx SPF v=spf1 ip5:1", V4, "permerror", "ip5:1 in x."),
    "include-not-reached": ("@ SPF v=spf1 ip4:192.0.2.9 include:nowhere.invalid -all", V4, "pass", "ip4:192.0.2.9"),
    "redirect": ("@ SPF v=spf1 redirect=x.$D\nx SPF v=spf1 ip4:192.0.2.9 -all", V4, "pass", "in x.redirect.gov"),
    "redirect-first": ("@ SPF v=spf1 redirect=x.$D ip4:192.0.2.9\nx SPF v=spf1 -all", V4, "pass", "in redirect-first.gov"),
    "redirect-fail": ("@ SPF v=spf1 redirect=x.$D\nx SPF v=spf1 -all", V4, "fail", "-all in x."),
    "redirect-a": ("@ SPF v=spf1 redirect=x.$D\n@ A 192.0.2.1\nx SPF v=spf1 a -all\nx A 192.0.2.9", V4, "pass", "a in x."),
    "redirect-and-all": ("@ SPF v=spf1 redirect=nowhere.invalid ~all", V4, "softfail", "~all"),
    "redirect-none": ("@ SPF v=spf1 redirect=x.$D\nx A 192.0.2.9", V4, "permerror", "no SPF record"),
    "loop-self": ("@ SPF v=spf1 include:$D -all", V4, "permerror", "a loop"),
    "loop-two": ("@ SPF v=spf1 include:x.$D -all\nx SPF v=spf1 include:LOOP-two.gov -all", V4, "permerror", "a loop"),
    "loop-redirect": ("@ SPF v=spf1 ip4:192.0.2.1 redirect=$D", V4, "permerror", "a loop"),
    "loop-not-reached": ("@ SPF v=spf1 ip4:192.0.2.9 redirect=$D", V4, "pass", "ip4:192.0.2.9"),
    "diamond": ("@ SPF v=spf1 include:l.$D include:r.$D -all\nl SPF v=spf1 include:x.$D -all\n"
                "r SPF v=spf1 include:x.$D ip4:192.0.2.9\nx SPF v=spf1 ip4:192.0.2.1 -all", V4, "pass", "in r."),

    # limits
    "ten": (chain(10, "ip4:192.0.2.9 -all"), V4, "pass", "in x10.ten.gov"),
    "eleven": (chain(11, "ip4:192.0.2.9 -all"), V4, "permerror", "11th term"),
    "ten-flat": ("@ SPF v=spf1" + "".join(f" a:h{i}.$D" for i in range(10)) + " ip4:192.0.2.9 -all" + MANY, V4, "pass", ""),
    "eleven-flat": ("@ SPF v=spf1" + "".join(f" a:h{i}.$D" for i in range(11)) + " ip4:192.0.2.9 -all" + MANY, V4,
                    "permerror", "11th term"),
    "eleven-spread": ("@ SPF v=spf1 include:x.$D include:y.$D ip4:192.0.2.9 -all\n"
                      "x SPF v=spf1 a:h1.$D a:h2.$D a:h3.$D a:h4.$D\ny SPF v=spf1 mx a:h5.$D a:h6.$D a:h7.$D exists:h8.$D" +
                      MANY + "\ny MX 1 h1", V4, "permerror", "11th term"),
    "eleven-not-reached": ("@ SPF v=spf1 a:h0.$D ip4:192.0.2.9" + "".join(f" a:h{i}.$D" for i in range(11)) + MANY, V4,
                           "pass", ""),
    "two-void": ("@ SPF v=spf1 a:n1.$D mx:n2.$D ip4:192.0.2.9 -all", V4, "pass", "ip4"),
    "three-void": ("@ SPF v=spf1 a:n1.$D mx:n2.$D exists:n3.$D ip4:192.0.2.9 -all", V4, "permerror", "third term"),
    "three-void-spread": ("@ SPF v=spf1 include:x.$D a:n3.$D -all\nx SPF v=spf1 a:n1.$D a:n2.$D", V4, "permerror", "third"),
    "long-255": ("@ SPF " + long_record(700, " ip4:192.0.2.9"), V4, "pass", "ip4:192.0.2.9"),
    "long-4096": ("@ SPF " + long_record(4096, " ip4:192.0.2.9"), V4, "pass", "ip4:192.0.2.9"),
    "long-4097": ("@ SPF " + long_record(4097, " ip4:192.0.2.9"), V4, "unknown", "more than 4096 octets"),
    "long-beside": ("@ SPF v=spf1 ip4:192.0.2.9 -all\n@ TXT " + " ".join(['"' + "x" * 250 + '"'] * 20), V4, "pass", ""),

    # grammar
    "bad-mechanism": ("@ SPF v=spf1 ipv4:192.0.2.9 -all", V4, "permerror", "ipv4:192.0.2.9 in"),
    "bad-long": ("@ SPF v=spf1 ip4:192.0.2.9 " + "x" * 300 + " -all", V4, "permerror", "xxx... in bad-long.gov: syntax error: no"),
    "bad-late": ("@ SPF v=spf1 ip4:192.0.2.9 -all moo", V4, "permerror", "moo in"),
    "bad-ip4": ("@ SPF v=spf1 ip4:192.0.2 -all", V4, "permerror", "IPv4 address"),
    "bad-ip4-port": ("@ SPF v=spf1 ip4:192.0.2.9:25 -all", V4, "permerror", "IPv4 address"),
    "bad-prefix": ("@ SPF v=spf1 ip4:192.0.2.9/33 -all", V4, "permerror", "prefix"),
    "bad-prefix-0": ("@ SPF v=spf1 ip4:192.0.2.9/032 -all", V4, "permerror", "prefix"),
    "bad-ip6": ("@ SPF v=spf1 ip6:2001:db8::9::1 -all", V4, "permerror", "IPv6 address"),
    "bad-ip6-prefix": ("@ SPF v=spf1 ip6:2001:db8::/129 -all", V4, "permerror", "prefix"),
    "bad-dual": ("@ SPF v=spf1 a/24/64 -all", V4, "permerror", "prefix"),
    "bad-all": ("@ SPF v=spf1 -all.", V4, "permerror", "-all."),
    "bad-all-arg": ("@ SPF v=spf1 -all:x.gov", V4, "permerror", "-all:x.gov"),
    "bad-include": ("@ SPF v=spf1 include -all", V4, "permerror", "a domain must follow"),
    "bad-include-empty": ("@ SPF v=spf1 include: -all", V4, "permerror", "a domain must follow"),
    "bad-include-net": ("@ SPF v=spf1 include:x.gov/24 -all", V4, "permerror", "include:x.gov/24"),
    "bad-redirect": ("@ SPF v=spf1 redirect:x.gov", V4, "permerror", "redirect:x.gov"),
    "bad-two-redirects": ("@ SPF v=spf1 redirect=ip4.gov redirect=ip4.gov", V4, "permerror", "second redirect"),
    "bad-signed-modifier": ("@ SPF v=spf1 -redirect=ip4.gov", V4, "permerror", "sign"),
    "bad-tab": ("@ SPF v=spf1\tip4:192.0.2.9 -all", V4, "none", "no SPF record"),
    "bad-inner-tab": ("@ SPF v=spf1 ip4:192.0.2.9\t-all", V4, "permerror", "\\x09"),
    "bad-8-bit": ("@ SPF v=spf1 ip4:192.0.2.9 -\u00e4ll", V4, "permerror", "\\xc3"),
    "bad-null": ("@ SPF v=spf1 a:x.gov\0 -all", V4, "permerror", "\\x00"),
    "bad-comma": ("@ SPF v=spf1 ip4:192.0.2.9,ip4:192.0.2.1 -all", V4, "permerror", "IPv4 address"),
    "bad-a-address": ("@ SPF v=spf1 a:192.0.2.9 -all", V4, "permerror", "a:192.0.2.9"),
    "bad-a-label": ("@ SPF v=spf1 a:gov -all", V4, "permerror", "a:gov"),
    "bad-a-empty-label": ("@ SPF v=spf1 a:x..gov -all", V4, "permerror", "a:x..gov"),
    "bad-a-long-label": ("@ SPF v=spf1 a:" + "x" * 64 + ".gov -all", V4, "permerror", "domain"),
    "bad-ptr-net": ("@ SPF v=spf1 ptr/24 -all", V4, "permerror", "ptr/24"),
    "bad-macro": ("@ SPF v=spf1 a:%x.gov -all", V4, "permerror", "%x.gov"),
    "bad-macro-letter": ("@ SPF v=spf1 a:%{q}.gov -all", V4, "permerror", "%{q}"),
    "bad-quotes": ('@ SPF "v=spf1 ip4:192.0.2.9 -all"', V4, "none", "no SPF record"),

    # macros
    "macro-i": ("@ SPF v=spf1 exists:%{i}.%{d} -all\n192.0.2.9 A 127.0.0.2", V4, "pass", "exists:%{i}.%{d}"),
    "macro-ir": ("@ SPF v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all\n9.2.0.192.in-addr._spf A 127.0.0.2", V4, "pass", ""),
    "macro-ip6": ("@ SPF v=spf1 exists:%{ir}.%{v}.%{d} -all\n9." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6 A 127.0.0.2", V6,
                  "pass", ""),
    "macro-l": ("@ SPF v=spf1 exists:%{l1r-}.%{o} -all\nstrong A 127.0.0.2", V4, "pass", ""),
    "macro-include": ("@ SPF v=spf1 include:%{d}.has.$D ~all\n$D.has SPF v=spf1 ip4:192.0.2.9 -all", V4, "pass", "has."),
    "macro-cut": ("@ SPF v=spf1 exists:" + ".".join(["%{d}"] * 25) + " -all", V4, "fail", "-all"),
    "macro-p": ("@ SPF v=spf1 exists:%{p}.$D -all", V4, "unknown", "%{p}"),
    "macro-h": ("@ SPF v=spf1 a:%{H} -all", V4, "unknown", "%{h}"),
    "macro-odd": ("@ SPF v=spf1 a:%%%_%-.$D -all", V4, "unknown", "no name"),
    "macro-not-reached": ("@ SPF v=spf1 ip4:192.0.2.9 exists:%{p}.$D -all", V4, "pass", "ip4:192.0.2.9"),

    # trouble
    "trouble": ("@ SPF v=spf1 include:x.dead.gov -all", V4, "unknown", "x.dead.gov TXT: the server answered SERVFAIL"),
    "trouble-a": ("@ SPF v=spf1 a:x.dead.gov -all", V4, "unknown", "x.dead.gov A: the server answered SERVFAIL"),
    "trouble-mx-host": ("@ SPF v=spf1 mx -all\n@ MX 1 x.dead.gov.", V4, "unknown", "x.dead.gov A: "),
    "trouble-not-reached": ("@ SPF v=spf1 ip4:192.0.2.9 include:x.dead.gov -all", V4, "pass", "ip4:192.0.2.9"),
}

OTHERS = {
    "elsewhere.gov": "host A 192.0.2.9",
    "in-addr.arpa": "77.2.0.192 PTR out.ptr.gov.\n78.2.0.192 PTR out.ptr-unproven.gov.",
    "ip6.arpa": "7.7." + "0." * 22 + "8.b.d.0.1.0.0.2 PTR out.ptr6.gov.",
}


def zone(name, text):
    """Zone-file text of a set-up."""
    from dns_server import text as quoted
    lines = []
    for line in text.replace("$D", name).split("\n"):
        owner, kind, data = line.split(" ", 2)
        lines.append(f"{owner} TXT {quoted(data)}" if kind == "SPF" else line)
    return "\n".join(lines)


def zones():
    return {f"{name}.gov": zone(f"{name}.gov", case[0]) for name, case in CASES.items()} | OTHERS
