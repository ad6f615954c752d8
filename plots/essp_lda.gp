# LDA under SSP (left) and ESSP (right) for seven bounds: likelihood per clock and per second, how old reads were, and
# where the time went.
# Variables: directory (of the sweep essp-lda), output, picture.
width = 960
height = 1180
load plots.'/style.gp'
kinds = 'ssp essp'
titles = 'SSP ESSP'
bounds = '0 1 2 4 8 16 32'
run(kind, s) = directory.'/policy-'.kind.'-'.s.'_seed-1/'
measured(name) = column('clock_min') > 0 ? column(name) : 1/0
set multiplot
set size 0.44,0.25
set key off
set yrange [-12:-9]
do for [k=1:2] {
    if (k == 2) { set key outside right center vertical title 's'; set size 0.55,0.25 }
    set origin (k == 1 ? 0.005 : 0.445),0.75
    set title word(titles, k)
    set xlabel 'clock'
    set ylabel (k == 1 ? 'log-likelihood per token' : '')
    plot for [i=1:7] run(word(kinds, k), word(bounds, i)).'metrics.csv' \
         using (measured('clock_min')):(measured('loglik_per_token')) with lines linetype i title word(bounds, i)
    set key off
    set size 0.44,0.25
}
unset title
do for [k=1:2] {
    set origin (k == 1 ? 0.005 : 0.445),0.5
    set xlabel 'simulated time (s)'
    set ylabel (k == 1 ? 'log-likelihood per token' : '')
    plot for [i=1:7] run(word(kinds, k), word(bounds, i)).'metrics.csv' \
         using (measured('time_s')):(measured('loglik_per_token')) with lines linetype i
}
set yrange [0:*]
do for [k=1:2] {
    set origin (k == 1 ? 0.005 : 0.445),0.25
    set xrange [-34:2]
    set xlabel 'clock of the row less the reader''s'
    set ylabel (k == 1 ? 'reads (millions)' : '')
    plot for [i=1:7] run(word(kinds, k), word(bounds, i)).'staleness.csv' \
         using (column('clock_difference')):(column('reads') * 1e-6) with linespoints linetype i
}
set xrange [*:*]
set style data histograms
set style histogram rowstacked
set boxwidth 0.7
set key outside right center vertical notitle
set origin 0.005,0
set size 0.99,0.25
unset xlabel
set ylabel 'time of all workers (s)'
set xtics rotate by -35 noenhanced
plot directory.'/groups.csv' using 'compute_s':xtic(strcol('policy')) lc rgb compute_colour title 'computing', \
     '' using 'wait_s' lc rgb wait_colour title 'waiting'
unset multiplot
