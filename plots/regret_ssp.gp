# What stale reads really lack, beside what the bound of SSP allows, on 64 machines: the distribution of updates in flight,
# their mean against s, and regret against s with its bound.
# Variables: directory (of the sweep regret-ssp), output, picture.
width = 1260
height = 450
load plots.'/style.gp'
kinds = 'lognormal-sigma-0.5 pareto-alpha-1.5 slow-node-0-factor-2x rotate-factor-4x-period-50ms pause-node-0-at-100ms-for-100ms'
names = 'lognormal Pareto slow rotating pause'
slacks = '1 4 16 32'
folder(kind, policy) = directory.'/straggler-'.word(kinds, kind).'_policy-'.policy.'_nodes-64_seed-1'
measures(kind, policy) = folder(kind, policy).'/metrics.csv'
shown = 'bsp ssp-4 essp-4 ssp-32 essp-32'
last(file, name) = system(sprintf("awk -F, -v name=%s 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i} END {print $at}' '%s'", name, file))
allowed(policy) = real(last(measures(1, policy), 'in_flight_mean')) / real(last(measures(1, policy), 'in_flight_share'))
set multiplot layout 1,3
set key inside top left vertical Left reverse
set xlabel 'updates in flight at a read (lognormal noise)'
set ylabel 'share of reads with at most so many'
set logscale x
set xrange [1:9000]
set yrange [0:1.02]
do for [s in '4 32'] {
    worst = allowed('ssp-'.s)
    set arrow from worst, 0 to worst, 1 nohead lc rgb '#444444' dt 3 lw 2
    set label 'allowed, s = '.s at worst, 0.02 left rotate by 90 offset 0.8,0 textcolor rgb '#444444'
}
plot for [i=1:5] folder(1, word(shown, i)).'/delays.csv' using (column('rounds') < 1 ? 1 : column('rounds')):(column('in_flight')) \
     smooth cnormal with lines linetype i title word(shown, i)
unset arrow
unset label
set logscale xy
set xrange [0.8:40]
set xtics (1, 4, 16, 32)
set yrange [20:9000]
set key outside top center horizontal Right noreverse maxrows 6
set xlabel 'staleness s'
set ylabel 'updates in flight, mean'
plot for [i=1:4] measures(1, 'ssp-'.word(slacks, i)) using (real(word(slacks, i))):(column('in_flight_mean') / column('in_flight_share')) \
     every ::3 with points lt 8 pt 7 ps 1.4 title (i == 1 ? 'allowed' : ''), \
     for [k=1:5] for [i=1:4] measures(k, 'ssp-'.word(slacks, i)) using (real(word(slacks, i))):(column('in_flight_mean')) \
     every ::3 with points lt k ps 1.4 title (i == 1 ? 'ssp, '.word(names, k) : ''), \
     for [k=1:5] for [i=1:4] measures(k, 'essp-'.word(slacks, i)) using (real(word(slacks, i)) * 1.12):(column('in_flight_mean')) \
     every ::3 with points lt k pt 2 ps 0.9 title (i == 1 ? 'essp, '.word(names, k) : '')
set yrange [300:30000]
set ylabel 'regret (colours as in the middle)'
plot for [i=1:4] measures(1, 'ssp-'.word(slacks, i)) using (real(word(slacks, i))):(column('bound')) \
     every ::3 with points lt 8 pt 7 ps 1.4 title (i == 1 ? 'bound' : ''), \
     for [k=1:5] for [i=1:4] measures(k, 'ssp-'.word(slacks, i)) using (real(word(slacks, i))):(column('regret')) \
     every ::3 with points lt k ps 1.4 title (k == 1 && i == 1 ? 'ssp' : ''), \
     for [k=1:5] for [i=1:4] measures(k, 'essp-'.word(slacks, i)) using (real(word(slacks, i)) * 1.12):(column('regret')) \
     every ::3 with points lt k pt 2 ps 0.9 title (k == 1 && i == 1 ? 'essp' : '')
unset multiplot
