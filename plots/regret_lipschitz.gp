# Regret of delayed SGD: against T for several delays, with the bounds; against tau on three streams.
# Variables: directory (of the sweep regret-lipschitz), output, picture.
width = 960
height = 480
load plots.'/style.gp'
delays = '1 16 1024'
all_delays = '1 4 16 64 256 1024'
streams = 'alternate block iid'
folder(stream, delay) = directory.'/stream-'.stream.'_delay-'.delay.'_clocks-300_seed-1/metrics.csv'
last(file, name) = real(system(sprintf("awk -F, -v name=%s 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i} END {print $at}' '%s'", name, file)))
positive(x) = x > 0 ? x : NaN
set multiplot layout 1,2
set logscale xy
set format '10^{%T}'
set key outside top center horizontal maxrows 3
set xlabel 'rounds T'
set ylabel 'regret'
set xrange [8e4:4e6]
set yrange [300:1e6]
plot for [i=1:3] folder('alternate', word(delays, i)) \
     using (column('rounds')):(positive(column('regret'))) with lines linetype i \
     title 'alternate, delay '.word(delays, i), \
     for [i=1:3] folder('alternate', word(delays, i)) \
     using (column('rounds')):(column('rounds') > 0 ? column('bound') : NaN) with lines linetype i dt 3 lw 2 \
     title 'bound, delay '.word(delays, i)
set format x '%g'
set xlabel 'delay tau (rounds)'
set ylabel 'regret after 3 million rounds'
set xrange [0.8:1300]
set yrange [500:2e6]
set xtics (1, 4, 16, 64, 256, 1024)
set datafile missing NaN
anchor = last(folder('alternate', '1024'), 'regret')
at_end(name) = column('rounds') == 3e6 ? positive(column(name)) : NaN
plot for [s=1:3] for [i=1:6] folder(word(streams, s), word(all_delays, i)) \
     using (real(word(all_delays, i))):(at_end('regret')) with points linetype s ps 1.2 \
     title (i == 1 ? word(streams, s) : ''), \
     for [i=1:6] folder('alternate', word(all_delays, i)) \
     using (real(word(all_delays, i))):(at_end('bound')) with points lt 8 pt 7 ps 1.2 title (i == 1 ? 'bound' : ''), \
     [1:1024] anchor * sqrt(x / 1024) with lines lt 1 lw 1 dt 3 title 'sqrt(tau)'
unset multiplot
