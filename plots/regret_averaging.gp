# Averaged machines: excess of the average with its bound, and the two parts of it, by number of machines.
# Variables: directory (of the sweep regret-averaging), output, picture.
width = 960
height = 450
load plots.'/style.gp'
nodes = '1 4 16 64'
folder(theorem, scale, k) = directory.'/theorem-'.theorem.'_step-scale-'.scale.'_nodes-'.k.'_seed-1/metrics.csv'
at_end(name) = column('steps') == 1500 ? column(name) : NaN
set multiplot layout 1,2
set logscale xy
set datafile missing NaN
set format y '10^{%T}'
set xlabel 'machines k'
set xrange [0.8:80]
set xtics (1, 4, 16, 64)
set key inside top right vertical
do for [scale in '1 0.1'] {
    set title (scale eq '1' ? 'eta = 1 / H' : 'eta = 0.1 / H')
    set ylabel (scale eq '1' ? 'excess over the least objective' : '')
    set yrange [1e-5:1e4]
    plot for [i=1:4] folder('averaging', scale, word(nodes, i)) \
         using (real(word(nodes, i))):(at_end('bound')) with points linetype 7 ps 1.3 \
         title (i == 1 ? 'theorem 12' : ''), \
         for [i=1:4] folder('averaging-proven', scale, word(nodes, i)) \
         using (real(word(nodes, i))):(at_end('bound')) with points linetype 4 ps 1.3 \
         title (i == 1 ? 'averaging-proven' : ''), \
         for [i=1:4] folder('averaging-proven', scale, word(nodes, i)) \
         using (real(word(nodes, i))):(at_end('measured')) with points linetype 1 ps 1.5 \
         title (i == 1 ? 'measured' : ''), \
         for [i=1:4] folder('averaging-proven', scale, word(nodes, i)) \
         using (real(word(nodes, i))):(at_end('variance')) with points linetype 2 ps 1.2 \
         title (i == 1 ? 'its variance' : ''), \
         for [i=1:4] folder('averaging-mean', scale, word(nodes, i)) \
         using (real(word(nodes, i))):(at_end('measured')) with points linetype 3 ps 1.3 \
         title (i == 1 ? 'its bias' : '')
}
unset multiplot
