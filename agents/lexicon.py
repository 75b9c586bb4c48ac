"""The words by which each intent is recognised: (intent, weight, pattern over lower-cased words)."""

# ruff: noqa: E501 - a pattern is easier to read on its one line

import re
from typing import Final

SURE_ENOUGH: Final = 1.0

_LINES: Final = r"""
execute   3.0  ^(?:please |can you |could you |just |now )*(?:send|post|submit|file|execute|fire)\b(?!.*\b(?:draft|word|shorter|longer))
execute   3.0  \b(?:go ahead|approve (?:it|them|this|the|all)|send (?:it|them|this|the \w+) (?:now|off|out|for me)|do it now|raise it now|press send)\b
execute   1.5  \b(?:for me|on my behalf)\b.*$
revise    3.0  \b(?:make|keep) (?:the |this |it )?(?:\w+ )?(?:mail|email|e-mail|ticket|draft|comment|message|text|title|subject|it|body)?\s?(?:\w+ )?(?:shorter|longer|friendlier|firmer|briefer|clearer|more \w+|less \w+|simpler|polite|formal|brief)\b
revise    3.0  \b(?:rewrite|reword|rephrase|redraft|shorten|revise|reformulate|polish|tone down|redo) (?:\w+ ){0,3}(?:mail|email|e-mail|ticket|draft|comment|message|text|title|subject|it|wording|summary|body)\b
revise    2.5  \b(?:rewrite|reword|rephrase|redraft|shorten|revise)\b
revise    2.5  \b(?:mention|add|include|put|say|write|ask for|leave out|remove|drop|change|replace|set|start|end)\b.*\b(?:in|to|into|from|of|on|with|for) (?:the |this |that )?(?:draft|mail|email|e-mail|ticket|comment|message|title|subject|text|body)\b
revise    2.5  \b(?:change|set|lower|raise) the (?:priority|assignee|title|subject|wording|recipient)\b
revise    2.0  \b(?:draft|mail|email|ticket|comment)\b.*\b(?:should (?:say|mention|be|ask|start)|is too (?:long|short|harsh|vague))\b
tag       3.0  \bfalse (?:positive|alarm|flag|break|negative)\b
tag       3.0  \b(?:mark|tag|flag|label|record|count) (?:it|this|that|them|these)?\s?(?:as|down as)\b
tag       3.0  \b(?:wrong|incorrect) (?:cause|pattern|bucket|category|label|classification)\b
tag       2.5  \b(?:cause|pattern|it|this|that) (?:is|should be|should have been|is actually|'s actually) (?:rather |really |actually )?(?:timing|rounding|fx|duplicate|misposting|price|quantity|lag|stale|scale|a spike|level shift|reference data|fee|tax|noise|a real|a true|a genuine|not a)\b
tag       2.5  \b(?:re-?classify|recategorise|recategorize|correct the (?:cause|pattern|bucket))\b
tag       2.5  \b(?:you missed|should have flagged|should have been flagged|missed this one)\b
tag       2.0  \b(?:not a (?:real |true |genuine )?(?:break|anomaly|issue|problem)|just noise|is noise|genuine break|is a (?:real|true) (?:break|anomaly)|don't flag (?:this|it|these))\b
close     3.0  \bclose (?:these|them|this|it|all|those|the)\b
close     3.0  \b(?:same|usual|standard|previous|last month's|the old) (?:comment|wording|note|explanation)\b
close     2.5  \b(?:document|comment) (?:it|them|this|these|the breaks?)\b.*\b(?:with|as|like)\b
close     1.5  \blike (?:last (?:month|time|week|quarter)|before|we did)\b
why_not   3.0  \bwhy (?:is|are|was|were|isn't|aren't|wasn't|does|did|didn't|doesn't|don't|hasn't|haven't)?\s?(?:it|this|that|these|they|you|the \w+)?\s?(?:not|n't|never)\b
why_not   3.0  \bwhy (?:isn't|aren't|wasn't|weren't|didn't|don't|doesn't|not|no)\b
why_not   2.5  \b(?:in line|in pattern|normal|usual|fine|ok|valid|harmless|expected)\b.*\?*$(?<=.)(?<!range)(?<!band)
why_not  -2.0  \b(?:what|which|how) (?:is|would be|are|'s|far)\b
why_not   1.5  \b(?:how come|why|isn't (?:this|it|that)|is (?:this|it|that)|aren't (?:these|they))\b.*\b(?:in line|normal|usual|fine|ok|okay|valid|not flagged|harmless)\b
why       2.0  \bwhy\b
why       1.5  \b(?:flagged|anomal\w+|out of pattern|raised|suspicious|unusual|strange|alert\w*|picked (?:it|this) up|stand out|stands out)\b
why       1.0  \b(?:explain|makes you|reason (?:for|you|it|this)|how come)\b
history   2.5  \b(?:history|trend|time series|chart|timeline|over time|evolution|track record|past values|past points)\b
history   2.5  \b(?:last|past|previous|latest) (?:\w+ )?(?:quarter|month|months|week|weeks|year|days|points|periods|entries|values|\d+)\b
history   2.5  \b(?:look(?:ed)? like|behaved?|balances?|been|was it|were they)\b.*\b(?:before|in the past|previously|earlier|historically)\b
history   1.0  \b(?:show|see|plot|display|give me|pull up)\b.*\b(?:series|points|quarter|month|year|week)\b
history  -2.0  \b(?:like|as) last (?:month|time|week|quarter)\b
resolved  3.0  \b(?:resolved?|closed?|fixed?|solved?|handled?|dealt with|cleared?)\b.*\b(?:last|before|previous|similar|like|past|earlier|these|time|ones)\b
resolved  3.0  \b(?:who|how|what)\b.*\b(?:resolved|closed|fixed|solved|handled|dealt with)\b
resolved  2.5  \b(?:seen|had|happened|met|come across|occurred)\b.*\b(?:before|already|in the past|previously|earlier)\b
resolved  2.5  \b(?:precedents?|similar (?:cases?|breaks?|ones|resolutions?|issues?)|past resolutions?|how .* last time|last time|previous(?:ly)? .*(?:comment|resol))\b
resolved  3.0  \bhow\b.*\b(?:end|ended|finish|finished|turn out|turned out|work out|worked out|come out|came out)\b
resolved -2.5  \b(?:close|comment) (?:these|them|this|it|all|those)\b
side      2.5  \b(?:which|what|whose) (?:side|system|source|ledger|book|fault|one is (?:wrong|right))\b
side      2.5  \b(?:ledger|left|right|their|our|wrong) side\b
side      2.5  \b(?:who|which|what)(?:'s| is)? (?:is )?(?:wrong|right|to blame|at fault|the culprit|correct)\b
side      2.0  \b(?:at fault|to blame|culprit|suspect|whose fault)\b
side      1.5  \b(?:is|are) (?:the )?\w+ (?:wrong|off|incorrect|right|to blame)\b
values    2.5  \b(?:both (?:sides|balances|values|amounts|sources)|two (?:sides|balances|values|amounts|figures)|each side)\b
values    2.0  \bwhat (?:does|do|did|is|are) (?:\w+ )?(?:\w+ )?(?:say|show|have|report|balance|balances|value|values|figure|figures)\b
values    1.5  \b(?:compare|versus|against)\b
changed   3.0  \bwhat(?:'s| is| has|s)? (?:changed|different|moved|new|happened since)\b
changed   2.5  \b(?:changed?|moved?|difference|different|new|delta)\b.*\b(?:since|yesterday|day before|overnight|previous day|last run|from the day)\b
changed   2.5  \b(?:did|has|have|which)\b.*\b(?:move|moved|change|changed|jump|jumped|shift|shifted)\b
summary   3.0  \b(?:summar\w+|overview|in a nutshell|short version|tl;?dr|recap|brief me|bring me up|walk me through|in short|in one sentence|gist)\b
summary   2.5  \bwhat (?:is|'s|are) (?:this|it|the case|these)(?: case| all)? about\b
summary   2.0  \b(?:tell me (?:about|more)|describe)\b
summary   1.5  \bwhat (?:is going on|'s going on|happened here|do we have here)\b
amount    3.0  \bhow (?:much|big|large)\b
amount    2.5  \b(?:total|exposure|aggregate|overall|sum)\b.*\b(?:amount|difference|exposure|value|break)?\b
amount    2.0  \b(?:what(?:'s| is) the (?:amount|difference|size|value|gap|impact)|size of)\b
amount   -2.0  \b(?:by|per|for each|across) \w+\b
amount   -1.5  \b(?:both|side|outside|past|history|over time)\b
onset     3.0  \b(?:since when|how (?:old|long)|when did|what date did|first (?:seen|appear\w*|time)|start(?:ed)?|began|begin|onset|age(?:ing|d)?\b)
onset     1.5  \b(?:when)\b.*\b(?:open|outstanding|break|occur|happen|appear)\b
onset    -2.0  \b(?:drop off|supposed|promise|expected|due)\b
rows      3.0  \b(?:list|show|give|name|display|see|which|what)\b.*\b(?:rows|breaks|accounts|keys|items|trades|lines|records|affected|involved|concerned|positions)\b
rows      1.5  \b(?:affected|involved|impacted|concerned)\b
rows     -2.5  \b(?:biggest|largest|worst|by|per|common|in common|similar|cancel|same amount|sum|count|total|offset\w*)\b
cause     3.0  \b(?:root cause|what caused|cause of|causing|caused by|underlying (?:cause|reason)|reason behind|what led to|what explains|what's behind|explanation|where does (?:it|this|the \w+) come from)\b
cause     2.0  \b(?:cause|mechanism|reason|due to)\b
cause     1.0  \bwhy\b.*\b(?:happen|differ|break|occur)\w*\b
cause    -1.5  \b(?:wrong cause|by cause|per cause|count|how (?:sure|confident|certain))\b
pattern   3.0  \b(?:pattern|bucket|category|classif\w+|which type|what type|what kind|which kind)\b
pattern  -2.5  \b(?:wrong|out of pattern|by pattern|per pattern|not anomal\w+|should be|correct the)\b
confidence 3.0 \bhow (?:sure|certain|confident|reliable|likely|probable|solid)\b
confidence 3.0 \b(?:confidence|trust|certainty|rely on|believe (?:this|it|that)|probability|positive about)\b
confidence 2.0 \bare you (?:sure|certain|confident)\b
scope     3.0  \b(?:in common|have in common|scope|share[ds]?|common factor|only (?:this|that|one|in|for|the)|just (?:this|that|one)|everywhere|other (?:desks|accounts|currencies|books)|limited to|confined|widespread|isolated|concentrated)\b
scope    -2.0  \bjust noise\b
offset    3.0  \b(?:cancel\w*|offset\w*|net(?:s|ted)? (?:out|off)|opposite|contra|mirror|counter-?(?:entry|part|posting)|compensat\w+|same amount|equal amount|identical amount|net to zero|reversing entry|matching entry|other leg)\b
ticket    3.0  \b(?:is|are|was|has|have|do|does|any|already|existing|open)\b.*\b(?:ticket|tickets|jira|issue open|incident)\b
ticket    2.5  \b(?:status|state|number|progress) of (?:the |that |our )?(?:ticket|jira)\b
ticket    2.0  \b(?:ticket|jira)\b.*\b(?:open|opened|already|exist\w*|raised|status|closed|number)\b
ticket   -1.5  \b(?:who|approved?|rewrite|mention|shorter|longer|draft\w*)\b
drafts    3.0  \b(?:what|which|show|list|any|see)\b.*\b(?:draft\w*|pending|waiting|proposed|queued|outbox|actions?)\b
drafts    3.0  \b(?:will be|would be|gets?|going to be|is being) (?:sent|posted|created|filed)\b
drafts    2.0  \b(?:awaiting|waiting for|needs?) (?:my )?approval\b
drafts   -2.0  \b(?:mention|reword|rewrite|who)\b
promise   3.0  \b(?:promis\w+|commit\w*|pledg\w+|drop off|supposed to|said (?:they|it|he|she) would|due to clear|will (?:it|this) clear|expected to (?:clear|drop|settle)|follow-?up date)\b
promise   1.0  \bwhen (?:will|is|does) (?:it|this)\b
next      3.0  \b(?:what (?:should|can|must|do|shall) (?:i|we)(?: need to)? do|next steps?|what next|what now|suggest\w*|recommend\w*|advice|advise|proposed? (?:fix|action)|how (?:do|can|should|would) (?:i|we|you) (?:fix|resolve|solve|clear|handle|proceed))\b
next     -1.5  \b(?:last time|before|similar)\b
band      3.0  \b(?:expected (?:range|band|value|level|amount)|band|bollinger|usual range|normal (?:range|level|here|for)|would be normal|is normal|threshold|limits?|bounds|baseline|average|mean|median|what (?:do|did) you expect|was expected)\b
band     -1.5  \b(?:why|isn't)\b
by_column 3.0  \b(?:by|per|for each|for every|grouped by|split by|across) (?:the )?(?:currency|currencies|account|accounts|desk|desks|cause|causes|pattern|patterns|date|day|pair|company|book|counterparty|inventory|entity|region|product|column|type|au|side)\b
by_column 2.0  \b(?:break (?:it|this|them|that) down|breakdown|split|group|pivot|aggregate|sum|count|subtotal\w*)\b
by_column -1.5 \bcomment\b
largest   3.0  \b(?:largest|biggest|worst|greatest|highest|top|main|most material|most important)\b
who       3.0  \bwho\b.*\b(?:worked|work|touched|approved|rejected|assigned|owns?|owner|looked|changed|decided|opened|handling|responsible|commented|edited)\b
who       3.0  \b(?:what (?:has )?happened (?:to|with|so far)|audit trail|case history|history of (?:this|the) case|activity|so far|log of)\b
who      -1.5  \b(?:last one|similar|balances)\b
settle    3.0  \b(?:settle (?:it|this|that|the)|what (?:information|data|else) (?:is|are|do you|would)|missing|what (?:do|would) you need|to be (?:certain|sure)|convince you|make (?:you )?sure|need to know|would help)\b
settle   -1.0  \bmissing (?:on|from|in|side|entry)\b
proof     3.0  \b(?:arithmetic|evidence|proof|prove|calculation|show (?:me )?(?:the|your) (?:math|maths|working|workings|numbers)|how did you (?:calculate|compute|work|derive|get)|the numbers behind|back (?:it|that|this) up|demonstrate|justify)\b
help      3.0  ^(?:help|\?|hi|hello|hey|commands)[.!? ]*$
help      3.0  \bwhat (?:can|could) (?:you|i) (?:do|ask|help|answer)|\bhow (?:do i use|does this work)|what (?:questions|things) can\b
why       1.5  \b(?:odd|weird|funny|red|wrong with|off with)\b
history   3.0  \blast (?:time )?(?:it )?(?:match\w*|agree\w*|balanced|in line)\b
history   2.0  \b(?:\w+ )?(?:days?|weeks?|months?|quarters?|years?) before\b
resolved  2.5  \b(?:past|old|previous|earlier) (?:comments?|notes?|explanations?|write-?ups?)\b
resolved  2.5  \bwhat did (?:we|they|you|i) (?:do|write|say|put|comment)\b
resolved -3.0  ^(?:do|close|write|use) (?:the same|like)\b
close     3.0  ^(?:do|use|write|put|apply) (?:the same|like (?:last|before)|what we did)\b
side      3.0  \b(?:ledger|statement|book|bank|system|source|left|right)(?:'s)? fault\b
side      2.5  \bwho(?:'s| is| are)? (?:off|wrong|late|us or them|right)\b
changed   2.5  \b(?:difference|move(?:d|ment)?|change) (?:versus|against|to|from|since) (?:the )?(?:prior|previous|last|yesterday|day)\b
revise    2.5  \b(?:change|set|lower|raise|make) (?:the )?priority\b
revise    2.5  \b(?:draft|write|prepare|compose) (?:me |us )?(?:a|an|the|another) (?:\w+ )?(?:mail|email|e-mail|ticket|note|message|comment|letter)\b
tag       2.5  \b(?:actually|really) (?:a |an |just )?(?:timing|rounding|fx|duplicate|misposting|price|quantity|lag|stale|scale|fee|tax|spike|level shift|noise)\b
tag       2.5  \b(?:should have (?:caught|seen|raised|found|alerted|spotted)|good catch|well spotted|is real\b|real one|genuine)\b
summary   2.5  \b(?:what's|what is) (?:this|it|that|the case) (?:all )?about\b
summary   2.5  \bin (?:two|three|a few|one|\d+) (?:lines?|sentences?|words)\b
summary   2.0  \bexplain (?:this|it|that) to\b
amount    2.0  \b(?:the number|the figure|bottom line|what's the damage)\b
rows      2.5  ^(?:list|show|give me) (?:them|all|everything)\b
rows      2.5  \bline items?\b
cause     2.5  \b(?:is|was|could|might|can) (?:it|this|that) (?:be )?(?:just |only |maybe |a |an |the )*(?:fx|timing|rounding|duplicate|fee|tax|misposting|price|quantity|scale|stale|typo|rate)\b
cause    -2.0  \b(?:actually|really|should be)\b
cause     2.5  \bwhat (?:went|is|was|'s) wrong\b
pattern   2.5  \b(?:spike|shift|drop|trend|reversal|drift) or (?:a |an )?\w+
confidence 2.5 \b(?:you sure|sure about|guess\w*|bet on)\b
offset    3.0  \b(?:netting|nets|netted|net) (?:this|it|that|off|out|with|against)?\b
ticket    2.0  \b(?:jira|ticket) (?:for|on|about) (?:this|it|that)\b
ticket    2.5  \b(?:ticket|jira) (?:no|nr|number|id|key|ref\w*|link)\b
drafts    2.5  \b(?:going to|gonna|about to|will you) (?:send|post|file|raise|mail)\b
drafts    2.5  \b(?:pending|in the outbox|queued up|to be approved)\b
drafts    2.0  ^(?:and )?(?:a|the|any)? ?(?:mail|email|draft)\W*$
promise   2.0  \bwaiting (?:on|for) (?:something|someone|somebody|them|anything|anyone)\b
next      2.5  \b(?:what should i do|what's the (?:fix|remedy|solution|plan|next step)|how to fix)\b
band      2.5  \b(?:what|which) (?:would|do|should|did) (?:you|we|i) (?:normally |usually )?expect\b
who       2.5  \bwho(?:'s| has| is)? (?:has it|on it|got it|on this|dealing|looking)\b
who       2.0  \bwho (?:has|had) (?:it|this)\b
execute   3.0  ^(?:ok|okay|yes|sure|right|fine|great)?[,. ]*(?:please |just |now )*(?:send|post|submit|file|approve) (?:it|them|this|that|all)\b
resolved  3.0  \bhow (?:did|do|was|were) (?:\w+ ){1,3}(?:close|closed|resolve|resolved|fix|fixed|solve|solved|handle|handled)\b
resolved  2.5  \bwhat (?:was|has been|got) (?:done|said|written|booked)\b
resolved  2.5  \b(?:first time|happen(?:s|ed)? often|again and again)\b
side      2.5  \b(?:is|was) (?:it|this|that) (?:us|them|theirs|ours|our (?:side|end)|their (?:side|end))\b
tag       2.5  \b(?:it|this|that)(?:'s| is) (?:just |only |really )?noise\b
summary   3.0  \bsum (?:it|this|that) up\b
summary   2.5  \b(?:the (?:problem|issue|story|deal)|what happened) (?:here|with this|about)\b
onset     2.5  \b(?:days?|weeks?|months?) old\b
onset    -2.5  \bfirst time\b
cause     2.5  \b(?:what is|what's|what lies|what stands) behind\b
promise   2.5  \bwhen (?:it|this|they|that) (?:clears?|drops? off|settles?|goes|will)\b
"""


def _read(lines: str) -> tuple[tuple[str, float, re.Pattern[str]], ...]:
    out = []
    for line in lines.strip().splitlines():
        intent, weight, pattern = line.split(None, 2)
        out.append((intent, float(weight), re.compile(pattern)))
    return tuple(out)


LEXICON: Final = _read(_LINES)
